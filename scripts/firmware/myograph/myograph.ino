// The myograph board: an Arduino Mega 2560 that samples up to 16 inputs on a fixed grid and hides no loss.
//
// Timer1 starts every scan and every channel in it, the main loop turns scans into frames, and the UART's interrupt
// drains them. Every byte of every frame is laid out in src/source/framed.rs of this repository;
// the commands, the pins and the wiring are in ../README.md. Registers only: the Arduino core's Serial and its
// interrupts would compete with ours, so nothing of it is used, and the file builds with and without the core.

#include <avr/eeprom.h>
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>
#include <stdlib.h>
#include <string.h>
#include <util/atomic.h>
#include <util/crc16.h>
#include <util/delay.h>

// ---- What the board is -----------------------------------------------------------------------------------------

static const uint16_t FIRMWARE = 1 << 8 | 0;  // major, minor
static const uint8_t PROTOCOL = 1;
static const uint8_t MEGA_2560 = 1;
static const uint8_t ADC_BITS = 10;
static const uint16_t REFERENCE_MV = 5000;  // AVcc, nominally; USB gives 4.75 to 5.25 V
static const uint8_t MOST_CHANNELS = 16;

// Inputs of one port, read in one instruction with channel 0 of every scan: pins 22, 23, 24. All have pull-ups, so an
// input with nothing on it rests at 1 and never makes an edge. The button pulls to ground and is sent inverted: 1 is
// held.
static const uint8_t TRIGGER = _BV(PA0);
static const uint8_t PHOTODIODE = _BV(PA1);
static const uint8_t BUTTON = _BV(PA2);
static const uint8_t INPUTS = TRIGGER | PHOTODIODE | BUTTON;

static const uint8_t LED = _BV(PB7);  // pin 13

enum Mode : uint8_t { CSV, PACKED, WORDS };
enum FrameType : uint8_t { DATA = 1, IDENTITY = 2, ACK = 3, STATUS = 4 };
enum Flag : uint8_t { OVERRUN = 1, DROPPED = 2, SAMPLES_ARE_WORDS = 4, HAS_DIGITAL = 8 };
enum Result : uint8_t { DONE, UNKNOWN, OUT_OF_RANGE, ONLY_WHILE_STOPPED, LINE_TOO_SLOW };

struct Scan {
  uint32_t index;  // timer periods since the start
  uint32_t t_us;
  uint16_t sample[MOST_CHANNELS];
  uint8_t digital;
};

// Baud rates whose divider is exact, and 115200, which is 2.1 % fast on every Mega alike (its USB chip errs the same).
struct Line {
  uint32_t baud;
  uint8_t divider;  // the line carries F_CPU / 8 / (divider + 1) bits per second
};
static const Line LINES[] = {{115200, 16}, {250000, 7}, {500000, 3}, {1000000, 1}};
static const Line *const USUAL_LINE = &LINES[2];

// Where counters begin. The tests also build a board on which all of them are about to wrap (`make wraps`).
#ifdef ABOUT_TO_WRAP
static const uint32_t FIRST_INDEX = 0xFFFFFFFF - 1500, FIRST_US = 0xFFFFFFFF - 6000000;
#else
static const uint32_t FIRST_INDEX = 0, FIRST_US = 0;
#endif

// ---- State -----------------------------------------------------------------------------------------------------

// Kept over a reset, so that the host can tell a board that restarted from a line that repeats itself. After power-on
// they hold anything, which is as good as zero: a host opens an epoch of its own whenever it opens the port.
static uint8_t epoch __attribute__((section(".noinit")));
static uint16_t sequence __attribute__((section(".noinit")));

static uint8_t reset_cause;
static uint8_t mode = PACKED;
static volatile uint8_t channels = 8;
static uint16_t scan_ticks = 16000;  // of Timer1, from scan to scan
static uint8_t prescaler = 1;        // of Timer1: 1, or 8 for rates below 245 Hz
static const Line *line_speed = USUAL_LINE;
static uint8_t led_code;
static bool running;

// ---- Time: Timer3 counts half microseconds ---------------------------------------------------------------------

static volatile uint32_t wrapped_us = FIRST_US;

ISR(TIMER3_OVF_vect) { wrapped_us += 0x8000; }

// Microseconds since power-on, to be called with interrupts off.
static inline uint32_t now_us_in_isr() {
  uint16_t halves = TCNT3;
  uint32_t us = wrapped_us;
  if ((TIFR3 & _BV(TOV3)) && halves < 0x8000) us += 0x8000;  // wrapped, and its interrupt still waits
  return us + (halves >> 1);
}

static uint32_t now_us() {
  uint32_t us;
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) { us = now_us_in_isr(); }
  return us;
}

// ---- Sampling --------------------------------------------------------------------------------------------------

// Scans that wait for the main loop: 64 ms at 1 kHz, 16 ms at the fastest rate. The head is the interrupts', the tail
// is the loop's.
static const uint8_t QUEUE = 64;
static Scan queue[QUEUE];
static volatile uint8_t queue_head, queue_tail;

static Scan *volatile filling;    // the scan the ADC is working on; null between scans
static volatile uint8_t channel;  // the channel being converted
static uint8_t adc_control;       // ADCSRA that starts a conversion at the chosen clock
static uint16_t skew_ticks;       // of Timer1, from channel to channel

static volatile uint32_t periods;  // timer periods since the start, also those that brought no scan
static volatile uint32_t unsampled;

static inline uint8_t waiting_scans() { return (queue_head - queue_tail) & (QUEUE - 1); }

static inline void convert(uint8_t c) {
  ADCSRB = (c & 8) ? _BV(MUX5) : 0;
  ADMUX = _BV(REFS0) | (c & 7);
  ADCSRA = adc_control;
}

// Begins a scan. The conversion is started first: what follows takes as long as it takes.
ISR(TIMER1_COMPA_vect) {
  uint8_t next = (queue_head + 1) & (QUEUE - 1);
  if (filling) {
    // Interrupts were off for so long that a channel missed its turn: neither that scan nor this one.
    TIMSK1 &= ~_BV(OCIE1B);
    filling = 0;
    unsampled += 2;
  } else if (next == queue_tail) {
    unsampled++;  // the index goes on without a scan: a hole that everybody can see
  } else {
    convert(0);
    uint8_t digital = PINA;
    OCR1B = skew_ticks;
    TIFR1 = _BV(OCF1B);
    TIMSK1 |= _BV(OCIE1B);
    Scan *scan = &queue[queue_head];
    scan->digital = (digital ^ BUTTON) & INPUTS;
    scan->index = periods;
    scan->t_us = now_us_in_isr();
    channel = 0;
    filling = scan;
  }
  periods++;
}

// Takes a channel's value and starts the next at its own time on the grid, not when the one before happens to be done:
// a late interrupt moves one sample by a few microseconds and none of those after it.
ISR(TIMER1_COMPB_vect) {
  while (ADCSRA & _BV(ADSC)) {}  // only when its start was late
  uint16_t value = ADC;
  uint8_t done = channel;
  uint8_t next = done + 1;
  if (next < channels) {
    convert(next);
    OCR1B += skew_ticks;
    channel = next;
    filling->sample[done] = value;
  } else {
    TIMSK1 &= ~_BV(OCIE1B);
    filling->sample[done] = value;
    filling = 0;
    queue_head = (queue_head + 1) & (QUEUE - 1);
  }
}

// The slowest of the ADC's clocks (125 kHz to 1 MHz) at which all channels fit into a period: the slower, the truer the
// lowest bits. A conversion is 13 ADC clocks and waits up to one for its beginning; the rest is for late interrupts.
// Channels are a whole number of ADC clocks apart, so that all wait alike. False when no clock is quick enough.
static bool choose_adc_clock() {
  const uint8_t SPARE = 128;
  for (uint8_t exponent = 7; exponent >= 4; exponent--) {
    uint16_t skew = (14 << exponent) + SPARE;  // in CPU cycles
    adc_control = _BV(ADEN) | _BV(ADSC) | exponent;
    skew_ticks = skew / prescaler;
    if ((uint32_t)skew * channels + SPARE <= (uint32_t)scan_ticks * prescaler) return true;
  }
  return false;
}

static uint32_t timer_hz() { return F_CPU / prescaler; }

static uint16_t rate_hz() { return (timer_hz() + scan_ticks / 2) / scan_ticks; }

// ---- The line out ----------------------------------------------------------------------------------------------

// Bytes that wait for the UART. Frames enter whole or not at all.
static const uint16_t RING = 1024;
static uint8_t ring[RING];
static volatile uint16_t ring_head, ring_tail;
static uint32_t dropped_frames;
static uint16_t most_ring;
static uint8_t most_scans;

ISR(USART0_UDRE_vect) {
  uint16_t tail = ring_tail;
  UDR0 = ring[tail];
  tail = (tail + 1) & (RING - 1);
  ring_tail = tail;
  if (tail == ring_head) UCSR0B &= ~_BV(UDRIE0);
}

static uint16_t ring_used() {
  uint16_t tail;
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) { tail = ring_tail; }
  return (ring_head - tail) & (RING - 1);
}

static bool has_room(uint16_t bytes) { return RING - 1 - ring_used() >= bytes; }

static inline uint16_t put_at(uint16_t at, uint8_t byte) {
  ring[at] = byte;
  return (at + 1) & (RING - 1);
}

static void publish(uint16_t head) {
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
    ring_head = head;
    UCSR0B |= _BV(UDRIE0);
  }
  uint16_t used = ring_used();
  if (used > most_ring) most_ring = used;
}

static void drain() {
  while (ring_used()) {}
  while (!(UCSR0A & _BV(UDRE0))) {}
  _delay_us(200);  // the byte in the shift register, two bytes long on the slowest line
}

// ---- Frames ----------------------------------------------------------------------------------------------------

static const uint8_t MOST_BYTES = 254;  // with the checksum; so COBS adds exactly one
static const uint8_t DATA_OVERHEAD = 15 + 2;
static const uint8_t ON_THE_LINE = 2;  // COBS and the delimiter

// The next frame has a delimiter before it too, because other bytes may be: text, or half a frame of before the reset.
static bool stands_apart = true;

static uint8_t frame[MOST_BYTES];
static uint8_t frame_length;

static inline void put8(uint8_t value) { frame[frame_length++] = value; }
static void put16(uint16_t value) {
  put8(value);
  put8(value >> 8);
}
static void put32(uint32_t value) {
  put16(value);
  put16(value >> 16);
}

static void begin_frame(uint8_t type) {
  frame_length = 0;
  put8(PROTOCOL << 4 | type);
  put8(epoch);
}

// Closes the frame with its checksum and hands it to the line; false when there is no room and it may not wait.
static bool send_frame(bool waits) {
  uint16_t crc = 0xFFFF;
  for (uint8_t i = 0; i < frame_length; i++) crc = _crc_xmodem_update(crc, frame[i]);
  put16(crc);
  while (!has_room(frame_length + ON_THE_LINE + stands_apart)) {
    if (!waits) return false;
  }
  // COBS: each zero, and the end, is announced by a count of the bytes up to it.
  uint16_t count_at = ring_head;
  if (stands_apart) count_at = put_at(count_at, 0);
  stands_apart = false;
  uint16_t at = put_at(count_at, 0);
  uint8_t count = 1;
  for (uint8_t i = 0; i < frame_length; i++) {
    if (frame[i]) {
      at = put_at(at, frame[i]);
      count++;
    } else {
      ring[count_at] = count;
      count_at = at;
      at = put_at(at, 0);
      count = 1;
    }
  }
  ring[count_at] = count;
  publish(put_at(at, 0));
  return true;
}

// False, and nothing done, when there is no room.
static bool send_text(const char *text, uint8_t bytes) {
  if (!has_room(bytes)) return false;
  uint16_t at = ring_head;
  while (bytes--) at = put_at(at, *text++);
  publish(at);
  stands_apart = true;
  return true;
}

// ---- The station's name ----------------------------------------------------------------------------------------

static const uint8_t LONGEST_NAME = 32;
static uint8_t EEMEM stored_length;
static char EEMEM stored_name[LONGEST_NAME];

// A board whose memory was never written has a length of 255, which is no name.
static uint8_t name_length() {
  uint8_t length = eeprom_read_byte(&stored_length);
  return length <= LONGEST_NAME ? length : 0;
}

// The length goes last: a name that was cut short by a power failure is no name.
static void store_name(const char *name, uint8_t length) {
  eeprom_update_byte(&stored_length, 0);
  eeprom_update_block(name, stored_name, length);
  eeprom_update_byte(&stored_length, length);
}

// ---- What the board says ---------------------------------------------------------------------------------------

static uint8_t block_scans;   // scans in a full data frame
static uint8_t next_flags;    // what the next data frame has to confess
static uint32_t next_index;   // the first sample index no data frame has accounted for
static uint32_t status_at;    // sample index at which the next status frame is due

static uint8_t payload_bytes(uint8_t scans) {
  uint16_t samples = (uint16_t)scans * channels;
  return scans + (mode == WORDS ? samples * 2 : (samples * ADC_BITS + 7) / 8);
}

static void choose_block() {
  block_scans = rate_hz() / 100;  // 10 ms
  if (block_scans < 1) block_scans = 1;
  uint8_t bits = mode == WORDS ? 16 : ADC_BITS;
  while ((uint16_t)block_scans * channels * bits / 8 + block_scans >= MOST_BYTES - DATA_OVERHEAD) block_scans--;
}

// `micros,v1,...,vN` at its longest.
static uint8_t longest_csv_line() { return 10 + 5 * channels + 1; }

// Bytes per second that a run takes, its status frames not counted.
static uint32_t needed_bytes() {
  uint32_t rate = rate_hz();
  if (mode == CSV) return rate * longest_csv_line();
  uint16_t bytes = DATA_OVERHEAD + payload_bytes(block_scans) + ON_THE_LINE;
  return (rate * bytes + block_scans - 1) / block_scans;
}

// A byte is ten bits on the line.
static uint32_t line_bytes() { return F_CPU / 8 / (line_speed->divider + 1) / 10; }

static void send_identity() {
  stands_apart = true;
  begin_frame(IDENTITY);
  put16(FIRMWARE);
  put8(MEGA_2560);
  put8(channels);
  put8(MOST_CHANNELS);
  put8(mode);
  put8(ADC_BITS);
  put8(INPUTS);
  put16(REFERENCE_MV);
  put16(skew_ticks);
  put32(scan_ticks);
  put32(timer_hz());
  put32(line_speed->baud);
  put8(running);
  put8(reset_cause);
  uint8_t length = name_length();
  put8(length);
  for (uint8_t i = 0; i < length; i++) put8(eeprom_read_byte((const uint8_t *)&stored_name[i]));
  send_frame(true);
}

static void send_ack(char command, uint8_t result, uint32_t value) {
  begin_frame(ACK);
  put8(command);
  put8(result);
  put32(value);
  send_frame(true);
}

// Where the data frames are and what was lost: with it the host knows the losses behind the last frame it has.
static bool send_status(bool waits) {
  uint32_t lost, us;
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
    lost = unsampled;
    us = now_us_in_isr();
  }
  begin_frame(STATUS);
  put16(sequence);
  put32(next_index);
  put32(us);
  put32(lost);
  put32(dropped_frames);
  put8(most_scans);
  put8((uint32_t)most_ring * 100 / (RING - 1));
  return send_frame(waits);
}

static void put_packed(uint8_t first, uint8_t scans) {
  uint16_t bits = 0;  // those that fill no byte yet
  uint8_t held = 0;
  for (uint8_t i = 0; i < scans; i++) {
    const uint16_t *sample = queue[(first + i) & (QUEUE - 1)].sample;
    for (uint8_t c = 0; c < channels; c++) {
      bits |= sample[c] << held;
      put8(bits);
      bits >>= 8;
      held += ADC_BITS - 8;
      if (held == 8) {
        put8(bits);
        bits = 0;
        held = 0;
      }
    }
  }
  if (held) put8(bits);
}

static void put_words(uint8_t first, uint8_t scans) {
  for (uint8_t i = 0; i < scans; i++) {
    const uint16_t *sample = queue[(first + i) & (QUEUE - 1)].sample;
    for (uint8_t c = 0; c < channels; c++) put16(sample[c]);
  }
}

// Takes up to `most` scans off the queue, as far as no period is missing between them, and sends them as one frame.
// The sequence number goes on even when the line has no room: the loss shows.
static void send_block(uint8_t most, bool waits) {
  uint8_t first = queue_tail;
  uint32_t index = queue[first].index;
  if (index != next_index) next_flags |= OVERRUN;
  uint8_t scans = 1;
  while (scans < most && queue[(first + scans) & (QUEUE - 1)].index == index + scans) scans++;

  begin_frame(DATA);
  put16(sequence++);
  put8(next_flags | HAS_DIGITAL | (mode == WORDS ? SAMPLES_ARE_WORDS : 0));
  put8(channels);
  put8(scans);
  put32(index);
  put32(queue[first].t_us);
  if (mode == WORDS) put_words(first, scans);
  else put_packed(first, scans);
  for (uint8_t i = 0; i < scans; i++) put8(queue[(first + i) & (QUEUE - 1)].digital);
  queue_tail = (first + scans) & (QUEUE - 1);
  next_index = index + scans;

  if (send_frame(waits)) {
    next_flags = 0;
  } else {
    next_flags |= DROPPED;
    dropped_frames++;
  }
}

static void send_csv_header() {
  char text[16 + 4 * MOST_CHANNELS];
  // On a line of its own, whatever stood before it.
  char *end = strcpy(text, "\n# micros") + 9;
  for (uint8_t c = 1; c <= channels; c++) {
    *end++ = ',';
    *end++ = 'v';
    utoa(c, end, 10);
    end += strlen(end);
  }
  *end++ = '\n';
  while (!send_text(text, end - text)) {}
}

// For a beginner's plotter: no checksum, no count of what is missing.
static void send_csv_line() {
  const Scan &scan = queue[queue_tail];
  char text[10 + 5 * MOST_CHANNELS + 2];
  char *end = text;
  ultoa(scan.t_us, end, 10);
  end += strlen(end);
  for (uint8_t c = 0; c < channels; c++) {
    *end++ = ',';
    utoa(scan.sample[c], end, 10);
    end += strlen(end);
  }
  *end++ = '\n';
  queue_tail = (queue_tail + 1) & (QUEUE - 1);
  if (!send_text(text, end - text)) dropped_frames++;
}

// What waits goes out: whole blocks while running, everything when stopped.
static void send_scans() {
  uint8_t waiting = waiting_scans();
  if (waiting > most_scans) most_scans = waiting;
  if (mode == CSV) {
    if (waiting) send_csv_line();
  } else if (running ? waiting >= block_scans : waiting > 0) {
    send_block(waiting < block_scans ? waiting : block_scans, !running);
  }
  if (running && mode != CSV && (int32_t)(next_index - status_at) >= 0 && send_status(false)) {
    status_at = next_index + rate_hz();
  }
}

// ---- The light, for cameras ------------------------------------------------------------------------------------

// Every ten seconds of sample index the light tells its code, in slots of a tenth of a second that a slow camera can
// follow: six on and two off as a mark, then eight bits, highest first, each four slots of which three are lit for a
// one and one for a zero. The mark's first light is the sample whose index is a whole number of ten seconds.
static const uint8_t LIGHT_SLOTS = 100;
static uint8_t light_slot;
static uint32_t light_at;  // sample index of the next slot

static bool is_lit(uint8_t slot) {
  if (led_code == 0) return true;
  if (slot < 8) return slot < 6;
  uint8_t bit = (slot - 8) / 4;
  if (bit >= 8) return false;
  return (slot - 8) % 4 < ((led_code & (0x80 >> bit)) ? 3 : 1);
}

static void drive_light() {
  uint32_t index;
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) { index = periods; }
  // `periods` is one ahead of the scan that runs.
  if ((int32_t)(index - 1 - light_at) < 0) return;
  if (is_lit(light_slot)) PORTB |= LED;
  else PORTB &= ~LED;
  light_at += rate_hz() / 10;
  light_slot = (light_slot + 1) % LIGHT_SLOTS;
}

// ---- Starting and stopping -------------------------------------------------------------------------------------

static void start() {
  epoch++;
  queue_head = queue_tail = 0;
  periods = FIRST_INDEX;
  unsampled = 0;
  dropped_frames = 0;
  next_flags = most_scans = most_ring = 0;
  next_index = FIRST_INDEX;
  status_at = FIRST_INDEX + rate_hz();
  light_slot = 0;
  light_at = FIRST_INDEX;
  if (mode == CSV) send_csv_header();
  // The first conversion after power-on takes twice as long: it is not for a scan.
  convert(0);
  while (ADCSRA & _BV(ADSC)) {}
  // Timer1 counts a period to its end and starts over.
  TCCR1A = 0;
  TCCR1B = 0;
  TCNT1 = 0;
  OCR1A = scan_ticks - 1;
  TIFR1 = _BV(OCF1A);
  TIMSK1 = _BV(OCIE1A);
  running = true;
  TCCR1B = _BV(WGM12) | (prescaler == 1 ? _BV(CS10) : _BV(CS11));
}

// Ends the run without leaving a scan behind.
static void stop() {
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) { TIMSK1 &= ~_BV(OCIE1A); }
  while (filling) {}
  bool was_running = running;
  running = false;
  PORTB &= ~LED;
  if (was_running) {
    while (waiting_scans()) send_scans();
    next_index = periods;  // periods at the very end that brought no scan
  }
}

// ---- Commands --------------------------------------------------------------------------------------------------

// Two seconds after a change of baud rate without a word, the board is where it can be found again.
static const uint32_t SILENCE_US = 2000000;
static bool on_trial;
static uint32_t trial_since;

static volatile uint8_t typed[64];
static volatile uint8_t typed_head, typed_tail;
static char command[1 + LONGEST_NAME + 1];  // letter, value, zero
static uint8_t command_length;
static bool is_too_long, is_damaged;

ISR(USART0_RX_vect) {
  // A byte with a framing error is no byte; zero stands for it, which no command contains.
  uint8_t bad = UCSR0A & (_BV(FE0) | _BV(DOR0));
  uint8_t byte = UDR0;
  uint8_t next = (typed_head + 1) & (sizeof typed - 1);
  if (next == typed_tail) return;
  typed[typed_head] = bad ? 0 : byte;
  typed_head = next;
}

static void use_line(const Line *line) {
  stands_apart = true;
  line_speed = line;
  UBRR0 = line->divider;
}

// Digits and nothing else, few enough to fit.
static bool parse_number(const char *text, uint32_t *value) {
  uint8_t digits = 0;
  for (*value = 0; *text >= '0' && *text <= '9' && digits < 9; digits++) *value = *value * 10 + (*text++ - '0');
  return digits > 0 && *text == 0;
}

static Result name_station(const char *name) {
  uint8_t length = strlen(name);
  if (is_too_long) return OUT_OF_RANGE;
  for (uint8_t i = 0; i < length; i++) {
    if (name[i] <= ' ' || name[i] > '~') return OUT_OF_RANGE;
  }
  store_name(name, length);
  return DONE;
}

static Result check_start() {
  if (!choose_adc_clock()) return OUT_OF_RANGE;
  return needed_bytes() <= line_bytes() ? DONE : LINE_TOO_SLOW;
}

static Result change(char letter, uint32_t value) {
  switch (letter) {
    case 'R':
      if (value < 100 || value > 4000) return OUT_OF_RANGE;
      prescaler = value < 245 ? 8 : 1;  // a period has to fit into 16 bits
      scan_ticks = (timer_hz() + value / 2) / value;
      break;
    case 'N':
      if (value < 1 || value > MOST_CHANNELS) return OUT_OF_RANGE;
      channels = value;
      break;
    case 'M':
      if (value > WORDS) return OUT_OF_RANGE;
      mode = value;
      break;
    case 'S':
      if (value > 255) return OUT_OF_RANGE;
      led_code = value;
      return DONE;
  }
  choose_adc_clock();
  choose_block();
  return DONE;
}

static const Line *line_of(uint32_t baud) {
  for (uint8_t i = 0; i < sizeof LINES / sizeof *LINES; i++) {
    if (LINES[i].baud == baud) return &LINES[i];
  }
  return 0;
}

static uint32_t in_force(char letter) {
  switch (letter) {
    case 'G': return needed_bytes();
    case 'X': return next_index;
    case 'R': return rate_hz();
    case 'N': return channels;
    case 'M': return mode;
    case 'B': return line_speed->baud;
    case 'L': return name_length();
    case 'S': return led_code;
    default: return 0;
  }
}

static void change_line(const Line *line) {
  send_ack('B', DONE, line->baud);
  drain();
  use_line(line);
  on_trial = line != USUAL_LINE;
  trial_since = now_us();
}

static void obey() {
  char letter = command[0];
  const char *text = command + 1;
  uint32_t value = 0;
  if (!strchr("IGXRNMBLS", letter)) {
    send_ack(letter, UNKNOWN, 0);
    return;
  }
  on_trial = false;
  Result result = DONE;
  if (running && letter != 'X' && letter != 'I') result = ONLY_WHILE_STOPPED;
  else if (letter == 'L') result = name_station(text);
  else if (strchr("IGX", letter) ? *text != 0 : !parse_number(text, &value)) result = OUT_OF_RANGE;
  else if (letter == 'I') return send_identity();
  else if (letter == 'X') stop();
  else if (letter == 'G') result = check_start();
  else if (letter != 'B') result = change(letter, value);
  else if (const Line *line = line_of(value)) return change_line(line);
  else result = OUT_OF_RANGE;
  send_ack(letter, result, in_force(letter));
  if (letter == 'G' && result == DONE) start();
  // Where the run ended, and what was lost behind its last frame.
  if (letter == 'X' && result == DONE && mode != CSV) send_status(true);
}

// Gathers typed bytes into a line and obeys it. What cannot be a command, because it holds a byte that is no text, was
// not meant for us: a host at another baud rate, or a daemon that tries every port for a modem.
static void hear() {
  while (typed_tail != typed_head) {
    char c = typed[typed_tail];
    typed_tail = (typed_tail + 1) & (sizeof typed - 1);
    if (c == '\r') continue;
    if (c != '\n') {
      if (c < ' ' || c > '~') is_damaged = true;
      if (command_length < sizeof command - 1) command[command_length++] = c;
      else is_too_long = true;
      continue;
    }
    command[command_length] = 0;
    if (command_length > 0 && !is_damaged) obey();
    command_length = 0;
    is_too_long = is_damaged = false;
  }
}

// ---- The program -----------------------------------------------------------------------------------------------

void setup() {
  reset_cause = MCUSR;
  MCUSR = 0;
#ifdef ABOUT_TO_WRAP
  epoch = 0xFF;
  sequence = 0xFFFF - 150;
#endif
  // The core's clock tick would only come between scans.
  TIMSK0 = 0;
  PORTA = INPUTS;
  DDRB |= LED;
  // The ADC reads its pins; their digital inputs would only draw current at half the supply.
  DIDR0 = DIDR2 = 0xFF;
  UCSR0A = _BV(U2X0);
  UCSR0C = _BV(UCSZ01) | _BV(UCSZ00);
  use_line(USUAL_LINE);
  UCSR0B = _BV(RXEN0) | _BV(TXEN0) | _BV(RXCIE0);
  TCCR3A = 0;
  TCCR3B = _BV(CS31);
  TIMSK3 = _BV(TOIE3);
  set_sleep_mode(SLEEP_MODE_IDLE);
  sei();
  choose_adc_clock();
  choose_block();
  send_identity();
}

// Sleeps until an interrupt, unless one has brought work since it was last looked for.
static void rest() {
  cli();
  uint8_t enough = mode == CSV ? 1 : block_scans;
  if (typed_tail == typed_head && !(running && waiting_scans() >= enough)) {
    sleep_enable();
    sei();  // takes effect after the next instruction, so nothing can come between
    sleep_cpu();
    sleep_disable();
  }
  sei();
}

void loop() {
  hear();
  if (running) {
    send_scans();
    drive_light();
  }
  if (on_trial && now_us() - trial_since > SILENCE_US) {
    on_trial = false;
    use_line(USUAL_LINE);
  }
  rest();
}

#ifndef ARDUINO
int main() {
  setup();
  for (;;) loop();
}
#endif
