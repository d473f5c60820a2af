// Where an error of each build came from, by the names of the sources.
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
