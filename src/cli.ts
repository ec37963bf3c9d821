#!/usr/bin/env node
/**
 * The command `libp2p-resource-manager`: `npx libp2p-resource-manager --help`
 */

import { run } from './cli/run.ts'
import { processTerminal } from './cli/terminal.ts'

process.exitCode = await run(process.argv.slice(2), processTerminal())
