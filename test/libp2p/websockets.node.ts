import { overWebSockets } from './fixtures/node-transports.ts'
import { wiringSuite } from './suite/index.ts'

wiringSuite('websockets', overWebSockets)
