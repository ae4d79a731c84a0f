/** The program that `bin/sluice.js` runs, from the sources: `run-broker.ts start [--override key=value]...`. */
import { main } from '../../src/main.ts'

process.exit(await main(process.argv.slice(2), performance.timeOrigin))
