import { countAllocations } from './allocations.ts'
import { countInstructions } from './instructions.ts'
import { writeFileSync } from 'node:fs'
const what = process.argv[2]
const out: any = {}
if (what !== 'i') out.allocations = await countAllocations()
if (what !== 'a') out.instructions = await countInstructions()
writeFileSync(process.argv[3], JSON.stringify(out, null, 1))
