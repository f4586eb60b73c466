// What the toy CPU imports: a declaration for each part of coreImports() that it uses.
export declare let mm: i32;
export declare let stackLimit: f64;
export declare function load32(mm: i32, addr: f64, stackLimit: f64): u32;
export declare function load64(mm: i32, addr: f64, stackLimit: f64): u64;
export declare function store64(mm: i32, addr: f64, value: u64, stackLimit: f64): void;
export declare function lastFault(): u32;
export declare function slowLoad(addr: f64, size: u32): u64;
export declare function slowStore(addr: f64, size: u32, value: u64): void;
export declare function userRuns(mm: i32, addr: f64, len: u32, write: bool, limit: f64): u32;
export declare function runList(): u32;
