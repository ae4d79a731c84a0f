/** The names that stand in the list more than once. */
export function repeated(names: Iterable<string>): ReadonlySet<string> {
  const seen = new Set<string>()
  const twice = new Set<string>()
  for (const name of names) {
    if (seen.has(name)) twice.add(name)
    else seen.add(name)
  }
  return twice
}
