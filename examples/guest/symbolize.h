// Names of functions in the running program, found the way google-glog and Abseil find them.
#ifndef SYMBOLIZE_H
#define SYMBOLIZE_H

// Prints the name of the function that holds an address, or (unknown).
void printSymbol(unsigned long pc);

#endif
