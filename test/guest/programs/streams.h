/* Pairs of connected streams, and what a stream is like. */
static int stream(int flags) { return socket(AF_INET, SOCK_STREAM | flags, 0); }
static int listener(int backlog) {
  int fd = stream(0);
  try_bind(fd, "127.0.0.1", 0);
  listen(fd, backlog);
  return fd;
}
static void pair(int *a, int *b) {
  int l = listener(1);
  *a = stream(0);
  try_connect(*a, "127.0.0.1", port_of(l));
  *b = accept(l, 0, 0);
  close(l);
}
static int state(int fd) {
  struct tcp_info info = {0};
  socklen_t size = sizeof info;
  getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size);
  return info.tcpi_state;
}
static void show_state(const char *what, int fd) {
  int ready = events(fd), at = state(fd);
  /* The end of a stream is acknowledged at once, or a little later. */
  if (at == 4) at = 5;
  printf("%s: poll %x state %d error %d\n", what, ready, at, option(fd, SOL_SOCKET, SO_ERROR));
}
static void pause_ms(int ms) { usleep(ms * 1000); }
