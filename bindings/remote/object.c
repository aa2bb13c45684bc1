// An object behind a URL as an input: its ranges arrive concurrently and are returned in order.
//
// The first range is requested before anything is known; the response gives size and version. A
// server without range support sends the whole object: one part without an end, which is paused
// while nobody reads. libcurl's multi interface runs all this on the thread that reads.
#include "remote/object.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buffer.h"
#include "base/interrupt.h"
#include "remote/transfer.h"

enum {
  PARTS = 4, // at a time
  PART_BYTES = 4 * 1024 * 1024,
  HELD_MOST = PART_BYTES, // bytes of a part without an end that wait to be read
  TRIES_FIRST = 3,        // before a server was reached
  TRIES = 7,              // of one part without progress
  PROGRESS = 64 * 1024,   // bytes that count as progress
  FIRST_WAIT_MS = 250,    // doubled with each try
  LONGEST_WAIT_MS = 4000,
  POLL_MS = 100, // a signal may arrive on another thread: look at the flags this often
};

typedef enum PartState { PART_IDLE, PART_WAITING, PART_RUNNING, PART_DONE } PartState;

typedef struct Object Object;

typedef struct Part {
  Object *object;
  Transfer transfer;
  PartState state;
  uint64_t from; // of the object
  uint64_t to;   // UINT64_MAX: to its end
  uint64_t got;  // bytes received in all
  uint64_t drop; // bytes to come that were received before a retry
  Buffer held;   // received and not yet read, from `given` on
  size_t given;
  bool paused;
  bool checked; // the answer's head
  int tries;
  uint64_t mark; // `got` at the last try
  int64_t start; // when to begin, in milliseconds
} Part;

struct Object {
  RawInput raw; // first: an Input * is an Object *
  Location location;
  char *version; // NULL: none is known
  CURLM *multi;
  Part parts[PARTS];
  int current;    // the part that is read
  uint64_t next;  // where the next part begins
  uint64_t total; // UINT64_MAX: not known
  uint64_t given;
  bool ranges; // more parts than one
  bool whole;  // to be asked for in one part: it has no version by which to tell ranges of it from
               // others
  bool answered; // at least once
  bool failed;
  Error error;
};

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// Ends everything: what is in object->error is told by the next read.
static bool fail(Object *object) {
  object->failed = true;
  return false;
}

// Answers

static bool changed(Object *object) {
  error_set(&object->error, "changed", "could not read '%s': it was replaced while it was in use",
            object->location.shown);
  return fail(object);
}

static bool take_version(Object *object, const Reply *reply) {
  if (object->version)
    return strcmp(object->version, reply->version) == 0 || changed(object);
  if (reply->version[0] && !object->answered)
    object->version = strdup(reply->version);
  bool memory = object->version || !reply->version[0] || object->answered;
  return memory || (error_set(&object->error, "ENOMEM", "out of memory"), fail(object));
}

static bool take_total(Object *object, const Reply *reply) {
  if (!object->answered)
    object->total = reply->total;
  return object->total == reply->total || changed(object);
}

static bool wrong_range(Object *object) {
  error_set(&object->error, "remote", "could not read '%s': the server sends another range",
            object->location.shown);
  return fail(object);
}

// The first response says whether ranges can be used: responses of another version must be
// detectable.
static bool plan_parts(Object *object, Part *part) {
  const Reply *reply = &part->transfer.reply;
  object->whole = reply->ranged && !object->version && object->total > part->to;
  if (object->whole)
    return false;
  object->answered = true;
  object->ranges = reply->ranged && object->version && object->total != UINT64_MAX;
  if (!reply->ranged)
    part->to = UINT64_MAX;
  else if (object->total < part->to)
    part->to = object->total;
  object->next = part->to;
  return true;
}

// If a server sends the whole object instead of a range, the bytes already read are dropped.
static bool take_start(Part *part) {
  const Reply *reply = &part->transfer.reply;
  uint64_t wanted = part->from + part->got;
  if (reply->ranged)
    return reply->from == wanted || wrong_range(part->object);
  if (part->object->answered && part->to != UINT64_MAX)
    return wrong_range(part->object);
  part->drop = wanted;
  return true;
}

// A broken transfer can resume only if another version would be detected.
static bool check_repeat(Part *part) {
  Object *object = part->object;
  if (part->got == 0 || object->version)
    return true;
  error_set(&object->error, "remote",
            "could not read '%s': the connection broke, and the server names no version (ETag, "
            "Last-Modified) by which to take it up",
            object->location.shown);
  return fail(object);
}

static bool check_answer(Part *part) {
  Object *object = part->object;
  const Reply *reply = &part->transfer.reply;
  part->checked = true;
  if (!take_version(object, reply) || !take_total(object, reply) || !take_start(part) ||
      !check_repeat(part))
    return false;
  return object->answered || plan_parts(object, part);
}

// libcurl's. Another number than the one given ends the transfer.
static size_t on_body(char *bytes, size_t size, size_t count, void *data) {
  Part *part = data;
  size_t len = size * count;
  long status = part->transfer.reply.status;
  if (status != 200 && status != 206) {
    transfer_note_body(&part->transfer, bytes, len);
    return len;
  }
  if (!part->checked && !check_answer(part))
    return 0;
  if (part->to == UINT64_MAX && part->held.len - part->given >= HELD_MOST) {
    part->paused = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  size_t dropped = part->drop < len ? (size_t)part->drop : len;
  part->drop -= dropped;
  buffer_put(&part->held, bytes + dropped, len - dropped);
  part->got += len - dropped;
  return part->held.failed ? 0 : len;
}

// Parts

static bool start_part(Part *part) {
  Object *object = part->object;
  CURL *easy = part->transfer.easy;
  part->checked = false;
  part->drop = 0;
  transfer_ask(&part->transfer, part->from + part->got, part->to);
  if (curl_multi_add_handle(object->multi, easy) != CURLM_OK) {
    error_set(&object->error, "ENOMEM", "out of memory");
    return fail(object);
  }
  part->state = PART_RUNNING;
  return true;
}

static void assign_part(Part *part, uint64_t from, uint64_t to) {
  buffer_clear(&part->held);
  part->given = 0;
  part->from = from;
  part->to = to;
  part->got = part->mark = 0;
  part->tries = 0;
  part->start = 0;
  part->state = PART_WAITING;
}

// Gives every idle part the next range; a part that was read becomes idle.
static bool assign_parts(Object *object) {
  for (int i = 0; object->ranges && i < PARTS && object->next < object->total; i++) {
    Part *part = &object->parts[(object->current + i) % PARTS];
    if (part->state != PART_IDLE)
      continue;
    if (!part->transfer.easy &&
        !transfer_open(&part->transfer, &object->location, on_body, part, &object->error))
      return fail(object);
    uint64_t left = object->total - object->next;
    uint64_t to = object->next + (left < PART_BYTES ? left : PART_BYTES);
    assign_part(part, object->next, to);
    object->next = to;
  }
  return true;
}

static bool start_parts(Object *object) {
  int64_t now = now_ms();
  for (int i = 0; i < PARTS; i++) {
    Part *part = &object->parts[i];
    if (part->state == PART_WAITING && part->start <= now && !start_part(part))
      return false;
  }
  return true;
}

static int64_t wait_before(const Part *part) {
  int64_t wait = (int64_t)FIRST_WAIT_MS << part->tries;
  wait = wait < LONGEST_WAIT_MS ? wait : LONGEST_WAIT_MS;
  int64_t asked = (int64_t)part->transfer.reply.wait * 1000;
  return wait > asked ? wait : asked;
}

static bool is_whole(const Part *part) {
  const Object *object = part->object;
  uint64_t end = part->to == UINT64_MAX ? object->total : part->to;
  return end == UINT64_MAX || part->from + part->got == end;
}

// Where it broke off, later; false when it was tried often enough, or there is nothing left to ask
// for.
static bool retry_part(Part *part) {
  if (part->checked && is_whole(part))
    return false;
  if (part->got - part->mark >= PROGRESS)
    part->tries = 0;
  part->mark = part->got;
  bool reached = part->object->answered || part->transfer.reply.status > 0;
  if (++part->tries >= (reached ? TRIES : TRIES_FIRST))
    return false;
  part->start = now_ms() + wait_before(part);
  part->state = PART_WAITING;
  return true;
}

// An object of no bytes has no range (status 416), and one without a version should not be read in
// ranges.
static bool takes_no_range(const Part *part) {
  bool refused = part->transfer.reply.status == 416 || part->object->whole;
  return refused && !part->object->answered && part->to != UINT64_MAX;
}

static bool is_success(const Part *part) {
  long status = part->transfer.reply.status;
  return status == 200 || status == 206;
}

static bool end_part(Part *part, CURLcode code) {
  Object *object = part->object;
  curl_multi_remove_handle(object->multi, part->transfer.easy);
  part->paused = false;
  if (object->failed)
    return false;
  if (part->held.failed) {
    error_set(&object->error, "ENOMEM", "out of memory");
    return fail(object);
  }
  if (takes_no_range(part)) {
    assign_part(part, 0, UINT64_MAX);
    return true;
  }
  if (code == CURLE_OK && is_success(part) && (part->checked || check_answer(part)) &&
      is_whole(part)) {
    part->state = PART_DONE;
    return true;
  }
  if (object->failed)
    return false;
  bool broke = code == CURLE_OK && is_success(part); // shorter than was said
  if ((broke || transfer_is_transient(&part->transfer, code)) && retry_part(part))
    return true;
  transfer_failed(&part->transfer, broke ? CURLE_PARTIAL_FILE : code, &object->location,
                  &object->error);
  return fail(object);
}

static bool end_parts(Object *object) {
  CURLMsg *message;
  int left;
  while ((message = curl_multi_info_read(object->multi, &left))) {
    if (message->msg != CURLMSG_DONE)
      continue;
    CURLcode code = message->data.result;
    Part *part = NULL;
    for (int i = 0; i < PARTS; i++)
      if (object->parts[i].transfer.easy == message->easy_handle)
        part = &object->parts[i];
    if (part && !end_part(part, code))
      return false;
  }
  return true;
}

// Moves everything on. False: object->error is filled.
static bool work(Object *object, bool wait) {
  int running;
  if (object->failed || !assign_parts(object) || !start_parts(object))
    return false;
  if (wait)
    curl_multi_poll(object->multi, NULL, 0, POLL_MS, NULL);
  curl_multi_perform(object->multi, &running);
  return !object->failed && end_parts(object);
}

static bool has_bytes(const Part *part) {
  return part->held.len > part->given;
}

// Waits for bytes of the current part, or the end of the object.
static bool wait_for_bytes(Object *object, Error *error) {
  for (;;) {
    Part *part = &object->parts[object->current];
    if (has_bytes(part))
      return true;
    if (part->state == PART_DONE && part->to < object->total && object->ranges) {
      part->state = PART_IDLE;
      object->current = (object->current + 1) % PARTS;
    } else if (part->state == PART_DONE) {
      return true;
    }
    if (interrupt_wanted())
      return error_set(error, "interrupted", "reading '%s' was interrupted",
                       object->location.shown);
    if (!work(object, part->state == PART_RUNNING || part->state == PART_WAITING)) {
      *error = object->error;
      return false;
    }
  }
}

// The input

static void resume(Part *part) {
  if (!part->paused)
    return;
  part->paused = false;
  curl_easy_pause(part->transfer.easy, CURLPAUSE_CONT);
}

static ptrdiff_t at_end(const Object *object, Error *error) {
  if (object->total == UINT64_MAX || object->given == object->total)
    return 0;
  error_set(error, "remote", "could not read '%s': it ended before its end",
            object->location.shown);
  return -1;
}

static ptrdiff_t object_read(Input *input, char *out, size_t size, Error *error) {
  Object *object = (Object *)input;
  if (!wait_for_bytes(object, error))
    return -1;
  Part *part = &object->parts[object->current];
  size_t left = part->held.len - part->given;
  size_t got = size < left ? size : left;
  if (left == 0)
    return at_end(object, error);
  memcpy(out, part->held.data + part->given, got);
  part->given += got;
  object->given += got;
  if (part->given == part->held.len) {
    buffer_clear(&part->held);
    part->given = 0;
    resume(part);
  }
  return (ptrdiff_t)got;
}

static ptrdiff_t object_peek(RawInput *raw, char head[INPUT_HEAD], Error *error) {
  Object *object = (Object *)raw;
  Part *part = &object->parts[object->current];
  for (;;) {
    if (!wait_for_bytes(object, error))
      return -1;
    size_t len = part->held.len;
    if (len >= INPUT_HEAD || part->state == PART_DONE) {
      len = len < INPUT_HEAD ? len : INPUT_HEAD;
      memcpy(head, part->held.data ? part->held.data : "", len);
      return (ptrdiff_t)len;
    }
    if (!work(object, true)) {
      *error = object->error;
      return -1;
    }
  }
}

static void object_close(Input *input) {
  Object *object = (Object *)input;
  for (int i = 0; i < PARTS; i++) {
    Part *part = &object->parts[i];
    if (part->transfer.easy && object->multi)
      curl_multi_remove_handle(object->multi, part->transfer.easy);
    transfer_close(&part->transfer);
    buffer_free(&part->held);
  }
  curl_multi_cleanup(object->multi);
  location_free(&object->location);
  free(object->version);
  free(object);
}

// The first answer tells what it is; errors come from here, and not from the first read.
static bool open_first(Object *object, const char *url, const char *version, Error *error) {
  if (!location_find(url, &object->location, error))
    return false;
  object->multi = curl_multi_init();
  object->version = version ? strdup(version) : NULL;
  if (!object->multi || (version && !object->version))
    return error_set(error, "ENOMEM", "out of memory");
  curl_multi_setopt(object->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
  Part *first = &object->parts[0];
  if (!transfer_open(&first->transfer, &object->location, on_body, first, error))
    return false;
  assign_part(first, 0, PART_BYTES);
  return wait_for_bytes(object, error);
}

RawInput *object_open(const char *url, const char *version, Error *error) {
  Object *object = transfer_start_library(error) ? calloc(1, sizeof *object) : NULL;
  if (!object) {
    error_set(error, "ENOMEM", "out of memory");
    return NULL;
  }
  object->raw.input = (Input){object_read, object_close, NULL};
  object->raw.peek = object_peek;
  object->raw.fd = -1;
  object->total = UINT64_MAX;
  for (int i = 0; i < PARTS; i++)
    object->parts[i].object = object;
  if (!open_first(object, url, version, error)) {
    object_close(&object->raw.input);
    return NULL;
  }
  object->raw.name = object->location.shown;
  object->raw.version = object->version;
  object->raw.size = object->total == UINT64_MAX ? 0 : object->total;
  return &object->raw;
}
