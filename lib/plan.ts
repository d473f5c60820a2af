#!/usr/bin/env node
import { command } from './plan/command.ts'

process.exitCode = await command(process.argv.slice(2), process)
