import { KEEP, LAYOUT_VERSION } from './protocol.ts'
import { RATES } from './rates-script.ts'
import type { FleetScript } from './client.ts'
import type { ScriptName } from './protocol.ts'

/**
 * The beginning of all scripts: the time of the engine, and the keys
 */
const PRELUDE = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local fleet, nodes, node = KEYS[1] .. ':fleet', KEYS[1] .. ':nodes', KEYS[1] .. ':node:'
local version = redis.call('HGET', fleet, 'version')
if version and version ~= '${LAYOUT_VERSION}' then
  return cjson.encode({ status = 'version', found = version })
end
local function keep ()
  redis.call('HSET', fleet, 'version', '${LAYOUT_VERSION}')
  redis.call('PEXPIRE', fleet, '${KEEP}')
end
local function sweep ()
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', nodes, '-inf', now)) do
    redis.call('DEL', node .. id)
  end
  redis.call('ZREMRANGEBYSCORE', nodes, '-inf', now)
end
`

/**
 * Of scripts with a call of a node: the call, and how to forget its fields that begin like this
 */
const CALL = `
local q = cjson.decode(ARGV[1])
local me = node .. q.id
local function forget (prefix)
  for _, field in ipairs(redis.call('HKEYS', me)) do
    if string.sub(field, 1, 2) == prefix then redis.call('HDEL', me, field) end
  end
end
sweep()
`

const SYNC = `${PRELUDE}${CALL}
local f = redis.call('HMGET', fleet, 'ttl', 'quiet', 'clean', 'policy')
local quiet = tonumber(f[2] or 0)
local policy = tonumber(f[4] or 0)
if redis.call('ZCARD', nodes) == 0 then
  quiet = f[3] == '1' and 0 or now + q.ttl
  redis.call('HSET', fleet, 'ttl', q.ttl, 'quiet', quiet, 'clean', '0')
elseif f[1] and tonumber(f[1]) ~= q.ttl then
  return cjson.encode({ status = 'ttl', found = tonumber(f[1]) })
end
keep()
local known = redis.call('ZSCORE', nodes, q.id) and tonumber(redis.call('HGET', me, 'seq') or 0)
if known and q.seq <= known then
  return cjson.encode({ status = 'old' })
end
local again = known ~= false and known < (q.acked or 0)
if not known then
  redis.call('DEL', me)
elseif again then
  forget('s:')
end
redis.call('ZADD', nodes, now + q.ttl, q.id)
redis.call('PEXPIRE', nodes, '${KEEP}')
redis.call('HSET', me, 'seq', q.seq, 'at', now, 'sum', q.sum)
redis.call('PEXPIRE', me, q.ttl)
local ids = redis.call('ZRANGE', nodes, 0, -1)
local answer = { status = 'ok', policy = policy, now = now, nodes = #ids, quiet = math.max(0, quiet - now), again = again, grants = {}, free = {}, others = {} }
if policy ~= q.policy then
  answer.status = 'policy'
  return cjson.encode(answer)
end
for _, scope in ipairs(q.gone) do redis.call('HDEL', me, 's:' .. scope) end
if #q.scopes == 0 then return cjson.encode(answer) end
local keys, others, holding = {}, {}, {}
for i, scope in ipairs(q.scopes) do
  keys[i] = 's:' .. scope[1]
  others[i] = {}
  holding[i] = {}
end
for _, id in ipairs(ids) do
  if id ~= q.id then
    local records = redis.call('HMGET', node .. id, unpack(keys))
    for i = 1, #keys do
      if records[i] then
        for field, amounts in pairs(cjson.decode(records[i])) do
          others[i][field] = (others[i][field] or 0) + math.max(amounts[1], amounts[2])
          holding[i][field] = (holding[i][field] or 0) + amounts[2]
        end
      end
    end
  end
end
local before = redis.call('HMGET', me, unpack(keys))
for i, scope in ipairs(q.scopes) do
  local record = before[i] and cjson.decode(before[i]) or {}
  local grants, frees, held_by_others = {}, {}, {}
  for j, r in ipairs(scope[2]) do
    local field, limit, claim, held, want = tostring(r[1]), r[2], r[3], r[4], r[5]
    local leased = record[field] and record[field][1] or 0
    if not record[field] and quiet > now then leased = claim end
    local kept = math.min(claim, leased)
    local free = limit - (others[i][field] or 0)
    local most = math.max(free, math.min(kept, math.floor(limit / #ids)))
    if quiet > now then most = math.min(most, kept) end
    grants[j] = math.max(0, math.min(want, most))
    leased = math.max(grants[j], kept)
    frees[j] = math.max(0, free - math.max(leased, held))
    held_by_others[j] = holding[i][field] or 0
    record[field] = { leased, held }
  end
  redis.call('HSET', me, keys[i], cjson.encode(record))
  answer.grants[i] = grants
  answer.free[i] = frees
  answer.others[i] = held_by_others
end
return cjson.encode(answer)
`

const LEAVE = `${PRELUDE}
local quiet = tonumber(redis.call('HGET', fleet, 'quiet') or 0)
if redis.call('ZREM', nodes, ARGV[1]) == 1 and redis.call('ZCARD', nodes) == 0 and quiet <= now then
  redis.call('HSET', fleet, 'clean', '1')
end
redis.call('DEL', node .. ARGV[1], KEYS[1] .. ':held:' .. ARGV[1])
return cjson.encode({ status = 'ok' })
`

const DECIDE = `${PRELUDE}
local q = cjson.decode(ARGV[1])
local policy = tonumber(redis.call('HGET', fleet, 'policy') or 0)
if policy ~= q.policy then
  return cjson.encode({ status = 'conflict', policy = policy })
end
keep()
redis.call('HSET', fleet, 'policy', q.next, 'text', q.text)
redis.call('PUBLISH', KEYS[1] .. ':changed', q.next)
return cjson.encode({ status = 'ok', policy = q.next })
`

const READ = `${PRELUDE}
local f = redis.call('HMGET', fleet, 'policy', 'text')
local answer = { status = 'ok', now = now, policy = tonumber(f[1] or 0), text = f[2] or '', nodes = {} }
if ARGV[1] == 'nodes' then
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', nodes, now, '+inf')) do
    local r = redis.call('HMGET', node .. id, 'at', 'sum')
    if r[1] then
      answer.nodes[#answer.nodes + 1] = { id = id, age = now - tonumber(r[1]), sum = r[2] }
    end
  end
end
return cjson.encode(answer)
`

export const SCRIPTS: Readonly<Record<ScriptName, FleetScript>> = {
  sync: { name: 'sync', source: SYNC },
  rates: { name: 'rates', source: `${PRELUDE}${CALL}${RATES}` },
  leave: { name: 'leave', source: LEAVE },
  decide: { name: 'decide', source: DECIDE },
  read: { name: 'read', source: READ }
}
