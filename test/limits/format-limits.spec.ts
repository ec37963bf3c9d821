import { expect } from 'aegir/chai'
import { build } from '../../src/limits/build-limits.ts'
import { DefaultLimits } from '../../src/limits/default-limits.ts'
import { limitsToString } from '../../src/limits/format-limits.ts'

describe('format limits', () => {
  it('should print a table', () => {
    const limits = build({
      system: { conns: 'unlimited', memory: 'unlimited' },
      service: { b: { memory: 1 }, 'libp2p.a': { streams: 'unlimited' } }
    }, DefaultLimits.scale())

    expect(limitsToString(limits)).to.equal(`
                        streams    in   out      conns  in  out   fd     memory
system                     2048  1024  2048  unlimited  64  128  256  unlimited
transient                   256   128   256         64  32   64   64     32 MiB
allowlistedSystem          2048  1024  2048        128  64  128  256    128 MiB
allowlistedTransient        256   128   256         64  32   64   64     32 MiB
serviceDefault             4096  1024  4096          0   0    0    0     64 MiB
servicePeerDefault          256   128   256          0   0    0    0     16 MiB
protocolDefault            2048   512  2048          0   0    0    0     64 MiB
protocolPeerDefault         256    64   128          0   0    0    0     16 MiB
peerDefault                 512   256   512          8   8    8    4     64 MiB
conn                          0     0     0          1   1    1    1     32 MiB
stream                        1     1     1          0   0    0    0     16 MiB
service.b                  4096  1024  4096          0   0    0    0        1 B
service["libp2p.a"]   unlimited  1024  4096          0   0    0    0     64 MiB
`.slice(1, -1))
  })

  it('should keep every entry on a line', () => {
    const limits = build({ service: { 'a\nb\u001b[31m': {} } }, DefaultLimits.scale())

    expect(limitsToString(limits).split('\n')).to.have.lengthOf(13)
    expect(limitsToString(limits)).to.include('service["a\\nb\\u001b[31m"]')
  })

  it('should refuse what is not in force anywhere', () => {
    expect(() => limitsToString({} as any)).to.throw().with.property('name', 'InvalidParametersError')
  })
})
