// Of its own, so that Vitest does not take the one of the repository above it.
export default {}
