// What a page does with it.
import { main } from './main.js';

document.querySelector('output').textContent = await main();
