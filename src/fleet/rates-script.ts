import { KEEP } from './protocol.ts'

/**
 * The script for rates, after the prelude of all scripts and that of calls. `memory-rates.ts` says the same in
 * TypeScript.
 */
export const RATES = `
if not redis.call('ZSCORE', nodes, q.id) then
  return cjson.encode({ status = 'absent' })
end
local known = tonumber(redis.call('HGET', me, 'rates') or 0)
if q.seq <= known then
  return cjson.encode({ status = 'old' })
end
local f = redis.call('HMGET', fleet, 'quiet', 'policy')
local quiet = tonumber(f[1] or 0) > now
redis.call('ZADD', nodes, now + q.ttl, q.id)
redis.call('PEXPIRE', me, q.ttl)
local ids = redis.call('ZRANGE', nodes, 0, -1)
local groups = KEYS[1] .. ':held:'
if q.held then
  redis.call('DEL', groups .. q.id)
  if #q.held > 0 then
    redis.call('HSET', groups .. q.id, unpack(q.held))
    redis.call('PEXPIRE', groups .. q.id, math.floor(q.ttl / 2))
  end
end
local answer = { status = 'ok', nodes = #ids, tokens = {}, shares = {}, groups = {} }
if #q.groups > 0 then
  for i = 1, #q.groups do answer.groups[i] = 0 end
  for _, id in ipairs(ids) do
    if id ~= q.id then
      for i, held in ipairs(redis.call('HMGET', groups .. id, unpack(q.groups))) do
        answer.groups[i] = answer.groups[i] + (held and tonumber(held) or 0)
      end
    end
  end
end
if tonumber(f[2] or 0) ~= q.policy then
  answer.status = 'policy'
  return cjson.encode(answer)
end
redis.call('HSET', me, 'rates', q.seq)
if known < (q.acked or 0) then forget('b:') end
for i, r in ipairs(q.tokens) do
  local key, interval, burst, missing, kept, back, want = KEYS[1] .. ':rate:' .. r[1], r[2], r[3], r[4], r[5], r[6], r[7]
  local record = redis.call('HGETALL', key)
  local full, mine, others = nil, 0, 0
  for j = 1, #record, 2 do
    if record[j] == 'full' then
      full = tonumber(record[j + 1])
    else
      local amount, ends = string.match(record[j + 1], '^(%S+) (%S+)$')
      if tonumber(ends) <= now then
        redis.call('HDEL', key, record[j])
      elseif record[j] == q.id then
        mine = tonumber(amount)
      else
        others = others + tonumber(amount)
      end
    end
  end
  if full then missing = math.max(0, full - now) / interval end
  missing = math.max(missing - math.min(mine, kept + back), others)
  if r[9] > known then missing = missing + r[8] end
  local granted = math.min(want, kept)
  if not quiet then granted = math.max(kept, math.min(want, math.floor(burst - missing + 1e-6))) end
  missing = missing + granted
  if granted > 0 then
    redis.call('HSET', key, q.id, granted .. ' ' .. string.format('%.17g', now + q.ttl))
  else
    redis.call('HDEL', key, q.id)
  end
  if missing > 0 then
    redis.call('HSET', key, 'full', string.format('%.17g', now + missing * interval))
    redis.call('PEXPIRE', key, string.format('%.0f', math.min(${KEEP}, math.max(q.ttl, math.ceil(missing * interval)))))
  else
    redis.call('DEL', key)
  end
  answer.tokens[i] = { granted, missing }
end
for _, name in ipairs(q.gone) do redis.call('HDEL', me, 'b:' .. name) end
if #q.shares == 0 then return cjson.encode(answer) end
local keys, taken, demands = {}, {}, {}
for i, r in ipairs(q.shares) do
  keys[i] = 'b:' .. r[1]
  taken[i] = 0
  demands[i] = { r[4] }
end
for _, id in ipairs(ids) do
  if id ~= q.id then
    for i, record in ipairs(redis.call('HMGET', node .. id, unpack(keys))) do
      if record then
        local amount, demand = string.match(record, '^(%S+) (%S+)$')
        taken[i] = taken[i] + tonumber(amount)
        table.insert(demands[i], tonumber(demand))
      end
    end
  end
end
local before = redis.call('HMGET', me, unpack(keys))
for i, r in ipairs(q.shares) do
  local limit, claim, demand = r[2], r[3], r[4]
  local had = before[i] and tonumber(string.match(before[i], '^%S+')) or (quiet and claim or 0)
  local kept = math.min(claim, had)
  table.sort(demands[i])
  local left, level = limit, limit
  for j, other in ipairs(demands[i]) do
    local part = left / (#demands[i] - j + 1)
    if other > part then
      level = math.floor(part)
      break
    end
    left = left - other
  end
  local grant = math.min(demand, level, limit - taken[i])
  if quiet then grant = math.min(grant, kept) end
  grant = math.max(0, grant)
  redis.call('HSET', me, keys[i], string.format('%.17g', math.max(grant, kept)) .. ' ' .. string.format('%.17g', demand))
  answer.shares[i] = grant
end
return cjson.encode(answer)
`
