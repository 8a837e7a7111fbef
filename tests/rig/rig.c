// A bench for the firmware: its image runs, unchanged, in a simulated ATmega2560 whose UART is a pseudo-terminal.
//
//   rig FIRMWARE.elf --link PATH [--seconds S] [--speed X] [--wave CH:HZ:AMPLITUDE_MV:OFFSET_MV]... [--edge BIT:S]...
//       [--reset S] [--boot S]
//
// A test program only. It links libsimavr, which is under the GPL, and is no part of the product and of no release.
//
// The board behaves as one behind a USB cable: opening the port resets it, it is silent and deaf for --boot seconds,
// nothing reaches a host that has the port closed, and a host at another baud rate hears and says garbage.
// All times are the board's own. Signals and edges are functions of the time since the first sample of the run, so a
// reader knows what every sample has to be; they start over with every run. With --speed 0 the board is as quick as
// the machine while it samples, and by the clock otherwise, or its idle hours would pass in a moment. It never runs
// ahead of a reader by more than BACKLOG. After --seconds, counted from the first opening, time stands still until
// the port is closed. Standard output tells what happened, one JSON object a line.

#define _GNU_SOURCE
#include <asm/termbits.h>  // not <termios.h>: it knows no baud rates but the classic ones
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <simavr/avr_adc.h>
#include <simavr/avr_ioport.h>
#include <simavr/avr_uart.h>
#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>

enum {
  HZ = 16000000,
  SLICE = HZ / 4000,  // the outside world is looked at this often
  CHANNELS = 8,       // this simulator knows no more inputs
  MOST_EDGES = 64,
  BACKLOG = 1 << 16,
  TIMSK1_AT = 0x6F,
  OCIE1A_BIT = 1 << 1,
};

typedef struct {
  double hz, amplitude_mv, offset_mv;
} Wave;

typedef struct {
  int bit;
  double at_s;
} Edge;

static struct {
  const char *firmware, *link;
  double seconds, speed, boot_s, reset_s;
  Wave waves[CHANNELS];
  Edge edges[MOST_EDGES];
  int edge_count;
} wish = {.speed = 1, .boot_s = 0.8, .seconds = INFINITY, .reset_s = INFINITY};

static avr_t *avr;
static avr_irq_t *inputs, *port_a, *uart_in;
static volatile sig_atomic_t told_to_end;

// The run in progress.
static bool sampling;
static avr_cycle_count_t run_began;
static int levels;  // of port A

// The cable.
static int terminal = -1;
static bool is_open, uart_takes = true;
static uint8_t to_host[BACKLOG * 2];
static size_t to_host_count;
static unsigned host_baud;

// For the summary.
static uint64_t asleep, bytes_sent;

static double wall_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec * 1e-9;
}

// The wall's time at which the board's was zero, had it always run at its pace.
static double time_zero_s;

static double device_s(void) { return (double)avr->cycle / HZ; }
static double run_s(void) { return (double)(avr->cycle - run_began) / HZ; }

static double pace(void) { return wish.speed == 0 ? 1 : wish.speed; }
static void set_clock(void) { time_zero_s = wall_s() - device_s() / pace(); }

static void fail(const char *what) {
  fprintf(stderr, "rig: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void say(const char *event) {
  printf("{\"event\":\"%s\",\"device_s\":%.6f}\n", event, device_s());
  fflush(stdout);
}

// ---- Pins ------------------------------------------------------------------------------------------------------

static void set_pin(int bit, int level) {
  levels = (levels & ~(1 << bit)) | level << bit;
  // The simulator lets what hangs on a pin win over a pull-up only when told, and takes no notice of a level that it
  // believes is there already, even when a reset has cleared it.
  avr_ioport_external_t hanging = {.name = 'A', .mask = 0xFF, .value = levels};
  avr_ioctl(avr, AVR_IOCTL_IOPORT_SET_EXTERNAL('A'), &hanging);
  avr_raise_irq(port_a + bit, !level);
  avr_raise_irq(port_a + bit, level);
}

static avr_cycle_count_t on_edge(avr_t *board, avr_cycle_count_t when, void *param) {
  (void)board, (void)when;
  int bit = ((Edge *)param)->bit;
  set_pin(bit, !(levels >> bit & 1));
  return 0;
}

// The firmware samples on a grid while the compare interrupt of Timer1 is on.
static bool has_grid(void) { return avr->data[TIMSK1_AT] & OCIE1A_BIT; }

static void begin_run(void) {
  sampling = true;
  run_began = avr->cycle;
  say("run");
  for (int i = 0; i < wish.edge_count; i++) {
    // One timer for each parameter: the simulator tells them apart by it.
    avr_cycle_timer_register(avr, (avr_cycle_count_t)(wish.edges[i].at_s * HZ), on_edge, &wish.edges[i]);
  }
}

// Asked by the converter at the start of a conversion, which is when the real one takes its sample.
static void on_conversion(avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq, (void)param;
  union {
    avr_adc_mux_t mux;
    uint32_t value;
  } asked = {.value = value};
  if (asked.mux.kind != ADC_MUX_SINGLE || asked.mux.src >= CHANNELS) return;
  if (asked.mux.src == 0 && !sampling && has_grid()) begin_run();
  Wave *wave = &wish.waves[asked.mux.src];
  double mv = wave->offset_mv + wave->amplitude_mv * sin(2 * M_PI * wave->hz * run_s());
  avr_raise_irq(inputs + asked.mux.src, mv < 0 ? 0 : (uint32_t)lround(mv));
}

static void on_light(avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq, (void)param;
  if (!sampling) return;
  printf("{\"event\":\"light\",\"on\":%u,\"run_s\":%.6f}\n", value & 1, run_s());
  fflush(stdout);
}

// ---- The line --------------------------------------------------------------------------------------------------

static double board_baud(void) {
  // UBRR0, and always at double speed.
  unsigned divider = avr->data[0xC4] | (avr->data[0xC5] & 0x0F) << 8;
  return HZ / 8.0 / (divider + 1);
}

// Bytes survive a difference of about 4 %.
static bool same_baud(void) { return fabs(host_baud / board_baud() - 1) < 0.04; }

static void on_byte_out(avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq, (void)param;
  bytes_sent++;
  if (!is_open || to_host_count == sizeof to_host) return;
  to_host[to_host_count++] = same_baud() ? value : (uint8_t)(value * 37 + 0x81);
}

static void on_room(avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq, (void)value, (void)param;
  uart_takes = true;
}

static void on_full(avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq, (void)param;
  if (value) uart_takes = false;
}

static void plug_in(void) {
  terminal = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (terminal < 0 || grantpt(terminal) || unlockpt(terminal)) fail("no pseudo-terminal");
  char name[64], fresh[4096];
  if (ptsname_r(terminal, name, sizeof name)) fail("no pseudo-terminal");
  // Once opened and closed, it reports that nobody has it open.
  int other = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  struct termios2 raw;
  if (other < 0 || ioctl(other, TCGETS2, &raw)) fail(name);
  raw.c_iflag = raw.c_oflag = raw.c_lflag = 0;
  raw.c_cflag = CS8 | CREAD | CLOCAL | (raw.c_cflag & CBAUD);
  ioctl(other, TCSETS2, &raw);
  close(other);
  snprintf(fresh, sizeof fresh, "%s.new", wish.link);
  if (symlink(name, fresh) || rename(fresh, wish.link)) fail(wish.link);
}

static void hear_host(void) {
  uint8_t byte;
  while (uart_takes && read(terminal, &byte, 1) == 1) {
    avr_raise_irq(uart_in, same_baud() ? byte : (UART_INPUT_FE | (uint8_t)~byte));
  }
}

static void tell_host(void) {
  ssize_t count = write(terminal, to_host, to_host_count);
  if (count <= 0) return;
  to_host_count -= count;
  memmove(to_host, to_host + count, to_host_count);
}

static void restart(void) {
  avr_reset(avr);
  sampling = false;
  uart_takes = true;
  for (int bit = 0; bit < 8; bit++) set_pin(bit, levels >> bit & 1);
}

// The bootloader: nothing is heard, nothing is said.
static void boot(void) {
  avr_cycle_count_t until = avr->cycle + (avr_cycle_count_t)(wish.boot_s * HZ);
  restart();
  avr->cycle = until;
  uint8_t eaten[256];
  double until_s = wall_s() + wish.boot_s / pace();
  while (wall_s() < until_s && !told_to_end) {
    usleep(5000);
    while (read(terminal, eaten, sizeof eaten) > 0) {}
  }
  restart();
  set_clock();
}

static void look_at_host(void) {
  struct pollfd asked = {.fd = terminal, .events = POLLIN};
  poll(&asked, 1, 0);
  bool now_open = !(asked.revents & POLLHUP);
  if (now_open && !is_open) {
    is_open = true;
    to_host_count = 0;
    say("open");
    boot();
  }
  if (is_open && !now_open) {
    to_host_count = 0;
    say("close");
  }
  is_open = now_open;
  if (!is_open) return;
  struct termios2 settings;
  if (!ioctl(terminal, TCGETS2, &settings)) host_baud = settings.c_ospeed;
  if (asked.revents & POLLIN) hear_host();
  if (to_host_count) tell_host();
}

// ---- The bench -------------------------------------------------------------------------------------------------

static void on_sleep(avr_t *board, avr_cycle_count_t cycles) {
  (void)board;
  asleep += cycles;
}

static void on_signal(int number) {
  (void)number;
  told_to_end = 1;
}

static void power_up(void) {
  elf_firmware_t firmware = {0};
  avr = avr_make_mcu_by_name("atmega2560");
  if (!avr || avr_init(avr)) fail("atmega2560");
  if (elf_read_firmware(wish.firmware, &firmware)) fail(wish.firmware);
  avr_load_firmware(avr, &firmware);
  avr->frequency = HZ;
  avr->vcc = avr->avcc = avr->aref = 5000;
  avr->log = LOG_ERROR;
  avr->sleep = on_sleep;  // keeping time is done below
  inputs = avr_io_getirq(avr, AVR_IOCTL_ADC_GETIRQ, ADC_IRQ_ADC0);
  port_a = avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ('A'), 0);
  uart_in = avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT);
  avr_irq_register_notify(inputs + ADC_IRQ_OUT_TRIGGER, on_conversion, NULL);
  avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ('B'), 7), on_light, NULL);
  avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT), on_byte_out, NULL);
  avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUT_XON), on_room, NULL);
  avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUT_XOFF), on_full, NULL);
  // The simulator's own ideas of a UART, to echo and to wait, are off.
  uint32_t flags = 0;
  avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
  // Button and comparator rest at their pull-ups, the trigger is held low by what drives it.
  levels = 0xFE;
  restart();
}

// Sleeps while the board is ahead of the clock.
static void keep_time(void) {
  if (wish.speed == 0 && sampling) return set_clock();
  double ahead = time_zero_s + device_s() / pace() - wall_s();
  if (ahead > 0) usleep((useconds_t)(ahead * 1e6));
}

static void run_slice(void) {
  avr_cycle_count_t end = avr->cycle + SLICE;
  while (avr->cycle < end) {
    int state = avr_run(avr);
    if (state == cpu_Done || state == cpu_Crashed) {
      fprintf(stderr, "rig: the firmware crashed at %#x\n", avr->pc);
      exit(1);
    }
  }
  if (!has_grid()) sampling = false;
  if (sampling && run_s() >= wish.reset_s) {
    wish.reset_s = INFINITY;
    say("reset");
    restart();
  }
}

static void run(void) {
  double ends_s = INFINITY;
  set_clock();
  while (!told_to_end) {
    run_slice();
    keep_time();
    look_at_host();
    if (is_open && isinf(ends_s)) ends_s = device_s() + wish.seconds;
    bool is_over = device_s() >= ends_s;
    if (!is_over && to_host_count <= BACKLOG) continue;
    while (is_open && (is_over || to_host_count > BACKLOG) && !told_to_end) {
      usleep(1000);
      look_at_host();
    }
    if (is_over) return;
    set_clock();
  }
}

// ---- What is wished for ----------------------------------------------------------------------------------------

static void usage(void) {
  fputs("usage: rig FIRMWARE.elf --link PATH [--seconds S] [--speed X] [--wave CH:HZ:AMPLITUDE_MV:OFFSET_MV]...\n"
        "           [--edge BIT:S]... [--reset S] [--boot S]\n",
        stderr);
  exit(2);
}

static void read_wave(const char *text) {
  int channel;
  Wave wave;
  if (sscanf(text, "%d:%lf:%lf:%lf", &channel, &wave.hz, &wave.amplitude_mv, &wave.offset_mv) != 4) usage();
  if (channel < 0 || channel >= CHANNELS) usage();
  wish.waves[channel] = wave;
}

static void read_edge(const char *text) {
  if (wish.edge_count == MOST_EDGES) usage();
  Edge *edge = &wish.edges[wish.edge_count++];
  if (sscanf(text, "%d:%lf", &edge->bit, &edge->at_s) != 2 || edge->bit < 0 || edge->bit > 7) usage();
}

static void read_wishes(int count, char **words) {
  for (int i = 1; i < count; i++) {
    const char *word = words[i];
    if (word[0] != '-') {
      wish.firmware = word;
    } else if (++i == count) {
      usage();
    } else if (!strcmp(word, "--link")) {
      wish.link = words[i];
    } else if (!strcmp(word, "--wave")) {
      read_wave(words[i]);
    } else if (!strcmp(word, "--edge")) {
      read_edge(words[i]);
    } else if (!strcmp(word, "--seconds")) {
      wish.seconds = atof(words[i]);
    } else if (!strcmp(word, "--speed")) {
      wish.speed = atof(words[i]);
    } else if (!strcmp(word, "--reset")) {
      wish.reset_s = atof(words[i]);
    } else if (!strcmp(word, "--boot")) {
      wish.boot_s = atof(words[i]);
    } else {
      usage();
    }
  }
  if (!wish.firmware || !wish.link) usage();
}

int main(int count, char **words) {
  read_wishes(count, words);
  signal(SIGINT, on_signal);
  signal(SIGTERM, on_signal);
  signal(SIGPIPE, SIG_IGN);
  power_up();
  plug_in();
  double began_s = wall_s();
  run();
  unlink(wish.link);
  printf("{\"event\":\"end\",\"device_s\":%.6f,\"wall_s\":%.3f,\"asleep_s\":%.3f,\"bytes_sent\":%llu}\n", device_s(),
         wall_s() - began_s, (double)asleep / HZ, (unsigned long long)bytes_sent);
  return 0;
}
