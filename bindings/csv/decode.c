// See decode.h. Encodings of one byte a character go through a table; iconv does the others.
#include "csv/decode.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#include "csv/scan.h"
#include "csv/stored.h"
#include "csv/transcode.h"

enum {
  BYTES = 256,
  TABLE_TEXT = 7,
  GROWTH = 4, // bytes of UTF-8 that one byte of a field can become
  FAULT_BYTES = sizeof((Fault *)0)->bytes,
};

// The UTF-8 for a byte; length 0: none.
typedef struct Entry {
  uint8_t len;
  char text[TABLE_TEXT];
} Entry;

struct Decoder {
  TextOptions options;
  char quote;
  bool by_table;         // `table` has the encoding
  Entry table[BYTES];    // of the encoding
  Entry fallback[BYTES]; // of windows-1252
  iconv_t converter;
  Stored *stored; // what the database is in; only where that is not UTF-8
  bool clean;     // the batch at hand: its bytes are text as they are
};

// What happens to the current record.
typedef struct Work {
  Batch *batch;
  uint32_t repairs; // of the record
  Fault fault;
} Work;

// Tables

// False: not an encoding of one byte a character.
static bool fill_entry(iconv_t converter, int byte, Entry *entry) {
  char from = (char)byte, *in = &from, *to = entry->text;
  size_t left = 1, room = sizeof entry->text;
  iconv(converter, NULL, NULL, NULL, NULL);
  bool good = iconv(converter, &in, &left, &to, &room) != (size_t)-1;
  if (!good)
    return errno == EILSEQ;
  iconv(converter, NULL, NULL, &to, &room);
  entry->len = (uint8_t)(sizeof entry->text - room);
  return true;
}

static bool fill_table(iconv_t converter, Entry *table) {
  for (int byte = 0; byte < BYTES; byte++)
    if (!fill_entry(converter, byte, &table[byte]))
      return false;
  return true;
}

static bool fill_fallback(Decoder *decoder) {
  iconv_t converter = iconv_open("UTF-8", "WINDOWS-1252");
  if (converter == (iconv_t)-1)
    return false;
  fill_table(converter, decoder->fallback);
  iconv_close(converter);
  return true;
}

static bool open_converter(Decoder *decoder) {
  decoder->converter = iconv_open("UTF-8", decoder->options.encoding);
  if (decoder->converter == (iconv_t)-1)
    return false;
  decoder->by_table = fill_table(decoder->converter, decoder->table);
  return true;
}

Decoder *decoder_new(const TextOptions *options, char quote) {
  Decoder *decoder = calloc(1, sizeof *decoder);
  if (!decoder)
    return NULL;
  decoder->options = *options;
  decoder->quote = quote;
  decoder->converter = (iconv_t)-1;
  if (*options->stored) // unknown to iconv: the server will say what it does not have
    decoder->stored = stored_new(options->stored);
  if ((options->kind != ENCODING_FIELDS || open_converter(decoder)) &&
      (!options->fallback || fill_fallback(decoder)))
    return decoder;
  decoder_free(decoder);
  return NULL;
}

void decoder_free(Decoder *decoder) {
  if (decoder && decoder->converter != (iconv_t)-1)
    iconv_close(decoder->converter);
  if (decoder)
    stored_free(decoder->stored);
  free(decoder);
}

// Fields. Conversions append to batch->decoded, which has room for all fields of the batch.

// Returns the length of what could be converted.
static size_t by_table(const Entry *table, const Field *field, Buffer *out) {
  char *to = out->data + out->len;
  size_t at = 0;
  for (; at < field->len; at++) {
    const Entry *entry = &table[(unsigned char)field->data[at]];
    if (entry->len == 0)
      break;
    memcpy(to, entry->text, sizeof entry->text);
    to += entry->len;
  }
  out->len = (size_t)(to - out->data);
  return at;
}

static size_t by_iconv(iconv_t converter, const Field *field, Buffer *out) {
  char *in = (char *)(uintptr_t)field->data, *to = out->data + out->len;
  size_t left = field->len, room = out->cap - out->len;
  iconv(converter, NULL, NULL, NULL, NULL);
  if (iconv(converter, &in, &left, &to, &room) != (size_t)-1)
    iconv(converter, NULL, NULL, &to, &room);
  out->len = (size_t)(to - out->data);
  return field->len - left;
}

static void take_decoded(Field *field, const Buffer *decoded, size_t from) {
  field->data = decoded->data + from;
  field->len = (uint32_t)(decoded->len - from);
}

// The invalid bytes, for messages: the first and those that make it invalid.
static void note_fault(const Decoder *decoder, Work *work, const Field *field, size_t at) {
  unsigned char lead = (unsigned char)field->data[at];
  size_t most = lead < 0xc2 || lead > 0xfb    ? 1
                : lead < 0xe0 || lead >= 0xf8 ? 2
                : lead < 0xf0                 ? 3
                                              : 4;
  size_t left = field->len - at, len = 1;
  bool utf8 = decoder->options.kind != ENCODING_FIELDS;
  if (decoder->options.kind == ENCODING_FIELDS)
    len = decoder->by_table || left < 2 ? 1 : 2;
  while (utf8 && len < most && len < left) {
    bool continues = ((unsigned char)field->data[at + len] & 0xc0) == 0x80;
    len++;
    if (!continues)
      break;
  }
  work->fault.len = (uint8_t)len;
  memcpy(work->fault.bytes, field->data + at, len);
}

// The bytes of a fault as they are in a file of UTF-16.
static void fault_to_utf16(const Decoder *decoder, Fault *fault) {
  Buffer bytes = {0};
  transcode_to_utf16(decoder->options.kind, (const char *)fault->bytes, fault->len, &bytes);
  if (bytes.len > 0 && bytes.len <= FAULT_BYTES) {
    memcpy(fault->bytes, bytes.data, bytes.len);
    fault->len = (uint8_t)bytes.len;
  }
  buffer_free(&bytes);
}

// A field that is not valid: windows-1252, or a reason to reject. `at` is the first wrong byte.
static bool fall_back(const Decoder *decoder, Work *work, Field *field, size_t at) {
  Buffer *decoded = &work->batch->decoded;
  bool own = decoder->options.kind == ENCODING_UTF8 || decoder->options.kind == ENCODING_FIELDS;
  size_t start = decoded->len;
  if (own && decoder->options.fallback &&
      by_table(decoder->fallback, field, decoded) == field->len) {
    take_decoded(field, decoded, start);
    work->repairs |= 1U << REPAIR_ENCODING;
    return true;
  }
  decoded->len = start;
  note_fault(decoder, work, field, at);
  if (decoder->options.kind == ENCODING_UTF16LE || decoder->options.kind == ENCODING_UTF16BE)
    fault_to_utf16(decoder, &work->fault);
  return false;
}

// As the encoding has it. False: the field stays as it is, and *valid bytes of it are text.
static bool convert_valid(const Decoder *decoder, Buffer *decoded, Field *field, size_t *valid) {
  if (decoder->options.kind != ENCODING_FIELDS) {
    *valid = scan_utf8_length(field->data, field->len);
    return *valid == field->len;
  }
  if (decoder->options.exact_ascii && scan_is_plain_ascii(field->data, field->len))
    return true;
  size_t start = decoded->len;
  *valid = decoder->by_table ? by_table(decoder->table, field, decoded)
                             : by_iconv(decoder->converter, field, decoded);
  if (*valid == field->len) {
    take_decoded(field, decoded, start);
    return true;
  }
  decoded->len = start;
  return false;
}

// False: the field is not valid.
static bool convert(const Decoder *decoder, Work *work, Field *field) {
  size_t valid;
  return convert_valid(decoder, &work->batch->decoded, field, &valid) ||
         fall_back(decoder, work, field, valid);
}

// False: the field has a character that the database cannot store.
static bool is_storable(const Decoder *decoder, Work *work, const Field *field) {
  if (!decoder->stored || scan_is_plain_ascii(field->data, field->len))
    return true;
  size_t at = stored_length(decoder->stored, field->data, field->len);
  if (at == field->len)
    return true;
  size_t len = 1;
  while (len < FAULT_BYTES && at + len < field->len && (field->data[at + len] & 0xc0) == 0x80)
    len++;
  work->fault.len = (uint8_t)len;
  memcpy(work->fault.bytes, field->data + at, len);
  return false;
}

// Whether the field stood in quotes: an empty one without is NULL.
static bool was_quoted(const Decoder *decoder, const Record *record, const Field *field) {
  bool view = field->data >= record->bytes && field->data <= record->bytes + record->length;
  return !view || (field->data > record->bytes && field->data[-1] == decoder->quote);
}

static void strip_nul(const Decoder *decoder, Work *work, const Record *record, Field *field) {
  Buffer *decoded = &work->batch->decoded;
  bool quoted = was_quoted(decoder, record, field);
  size_t start = decoded->len;
  for (uint32_t i = 0; i < field->len; i++)
    if (field->data[i] != 0)
      decoded->data[decoded->len++] = field->data[i];
  take_decoded(field, decoded, start);
  field->null = field->len == 0 && !quoted;
  work->repairs |= 1U << REPAIR_NUL;
}

// Why the field cannot be stored as text; RECORD_OK: it can.
static RecordError make_text(const Decoder *decoder, Work *work, const Record *record,
                             Field *field) {
  if (field->len > 0 && memchr(field->data, 0, field->len))
    strip_nul(decoder, work, record, field);
  if (!convert(decoder, work, field))
    return RECORD_INVALID_ENCODING;
  return is_storable(decoder, work, field) ? RECORD_OK : RECORD_NOT_STORED;
}

// The first field with a NUL byte, from 1; 0: it is in none.
static uint32_t field_with_nul(const Work *work, const Record *record) {
  for (uint32_t i = 0; i < record->field_count; i++) {
    const Field *field = &work->batch->fields[record->field_start + i];
    if (field->len > 0 && memchr(field->data, 0, field->len))
      return i + 1;
  }
  return 0;
}

// Refuses what PostgreSQL cannot store as text.
static void check_record(const Decoder *decoder, Work *work, Record *record) {
  if (record->error > RECORD_TOO_MANY_FIELDS)
    return;
  if (decoder->options.exact_ascii && scan_is_plain_ascii(record->bytes, record->length))
    return;
  if (!decoder->options.strip_nul && memchr(record->bytes, 0, record->length)) {
    record->error = RECORD_NUL_BYTE;
    record->column = field_with_nul(work, record);
    return;
  }
  work->repairs = 0;
  for (uint32_t i = 0; i < record->field_count; i++) {
    RecordError error =
        make_text(decoder, work, record, &work->batch->fields[record->field_start + i]);
    if (error == RECORD_OK)
      continue;
    record->error = error;
    record->column = i + 1;
    record->fault = work->fault;
    return;
  }
  record->repairs |= work->repairs;
  work->batch->odd = work->batch->odd || work->repairs != 0;
}

static bool is_clean(const Decoder *decoder, const char *bytes, size_t len) {
  if (scan_is_plain_ascii(bytes, len))
    return decoder->options.exact_ascii;
  return decoder->options.kind != ENCODING_FIELDS && !decoder->stored && !memchr(bytes, 0, len) &&
         scan_is_utf8(bytes, len);
}

bool decoder_run(Decoder *decoder, const char *bytes, size_t len, Batch *batch) {
  decoder->clean = len == 0 || is_clean(decoder, bytes, len);
  if (decoder->clean)
    return true;
  // Without its NUL bytes and converted, once more for extra fields, and some to spare for whole
  // table entries.
  size_t room = 2 * len * (GROWTH + decoder->options.strip_nul) + TABLE_TEXT;
  if (!buffer_reserve(&batch->decoded, room))
    return false;
  Work work = {.batch = batch};
  for (size_t i = 0; i < batch->record_count; i++)
    check_record(decoder, &work, &batch->records[i]);
  return true;
}

// Extra fields, joined verbatim: each is valid, or read as windows-1252, by itself. Returns which
// one is invalid, or 0 when all are valid; those are then joined again.
static uint32_t convert_each(const Decoder *decoder, General *general, Work *work, Field *extra) {
  Buffer *decoded = &work->batch->decoded;
  size_t start = decoded->len, at = 0;
  for (uint32_t number = 1; at < extra->len; number++) {
    const char *from = extra->data + at;
    size_t len = general_field_start(general, from, extra->len - at, 1);
    Field part = {from, (uint32_t)len, false};
    if (!convert(decoder, work, &part))
      return number;
    if (part.data == from)
      buffer_put(decoded, from, len);
    at += len;
  }
  take_decoded(extra, decoded, start);
  return 0;
}

static void run_extra(const Decoder *decoder, General *general, Work *work, Record *record) {
  uint32_t columns = record->field_count - 1;
  Field *extra = &work->batch->fields[record->field_start + columns];
  size_t valid;
  work->repairs = 0;
  if (memchr(extra->data, 0, extra->len))
    strip_nul(decoder, work, record, extra);
  uint32_t wrong = 0;
  if (!convert_valid(decoder, &work->batch->decoded, extra, &valid))
    wrong = convert_each(decoder, general, work, extra);
  record->repairs |= work->repairs;
  bool storable = wrong > 0 || is_storable(decoder, work, extra);
  if (wrong == 0 && storable)
    return;
  record->error = storable ? RECORD_INVALID_ENCODING : RECORD_NOT_STORED;
  record->column = columns + (wrong ? wrong : 1);
  record->fault = work->fault;
}

void decoder_run_extra(Decoder *decoder, General *general, Batch *batch) {
  if (decoder->clean)
    return;
  Work work = {.batch = batch};
  for (size_t i = 0; i < batch->record_count; i++) {
    Record *record = &batch->records[i];
    if (record->error == RECORD_OK && record->repairs & 1U << REPAIR_EXTRA)
      run_extra(decoder, general, &work, record);
  }
}
