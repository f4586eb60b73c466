/** The one network device (drivers/net/loopback.c): its number, name, flags and bytes of a packet. */
export const LO_INDEX = 1;
export const LO_NAME = 'lo';
export const LO_MTU = 65536;
export const LO_QUEUE = 1000;
/** IFF_UP | IFF_LOOPBACK | IFF_RUNNING, and IFF_LOWER_UP where there is room for it. */
export const LO_FLAGS = 0x49;
export const IFF_LOWER_UP = 0x10000;
export const ARPHRD_LOOPBACK = 772;
