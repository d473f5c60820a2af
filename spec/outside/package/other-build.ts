import { controllerOf } from 'faas-cache-dict'

type Users = typeof import('./consumer.js', { with: { 'resolution-mode': 'import' }}).users

export const sizeOf = (cache: Users) => controllerOf(cache).size
