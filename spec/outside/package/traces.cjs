// Prints the stack of an error of each build.
const stacks = []
const note = ({ controllerOf, FaaSCacheDict }) => {
  try {
    controllerOf(new FaaSCacheDict()).getOrThrow('absent')
  } catch ({ stack }) {
    stacks.push(stack)
  }
}
note(require('faas-cache-dict'))
import('faas-cache-dict').then((library) => {
  note(library)
  console.log(JSON.stringify(stacks))
})
