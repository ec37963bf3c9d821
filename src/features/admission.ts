import { ADMISSION_OPTIONS } from '../admission/admission-options.ts'
import { Admission } from '../admission/admission.ts'
import { Allowlist } from '../admission/allowlist.ts'
import { NodePeerTags } from '../libp2p/connections/peer-tags.ts'
import { isInfinite } from '../limits/infinite-limits.ts'
import { AdmittedConnections } from '../manager/admitted-connections.ts'

/**
 * What is decided by address: the allowlist, how many connections there may be with a
 * subnet or network, and how often remote peers may open connections and streams
 */
export const admission = { Admission, AdmittedConnections, Allowlist, NodePeerTags, isInfinite, options: ADMISSION_OPTIONS }
