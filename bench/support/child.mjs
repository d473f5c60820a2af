// Calls one exported function of a module and prints what it gives, as the last line.
const [module, name, args] = process.argv.slice(2)
const { [name]: measure } = await import(module)
const figure = await measure(...JSON.parse(args))
// Some caches leave a timer for each entry, so the process cannot wait for them.
process.stdout.write(`\n${JSON.stringify(figure ?? null)}`, () => process.exit())
