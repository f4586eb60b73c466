// In Node.
import { main } from './main.js';

console.log(await main());
