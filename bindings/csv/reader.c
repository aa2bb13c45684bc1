// The reader. libcsv decides what a field is; this file decides what a record, a line and a reject
// are.
//
// The unescaped bytes that libcsv hands out are the very bytes of the chunk, but for quoted fields
// with doubled quotes. So a field is a view into the chunk where it can be, and only those others
// are copied into the batch. The callbacks run inside csv_parse: they record and never fail but by
// setting `failed`.
#include "csv/reader.h"

#include <csv.h>
#include <stdlib.h>
#include <string.h>

#include "csv/decode.h"
#include "csv/ordinary.h"
#include "csv/scan.h"

enum {
  DEFAULT_MAX_RECORD = 16 * 1024 * 1024,
  ENTRY_BLOCK = 64 * 1024, // how libcsv's field buffer grows; its own 128 bytes are too small
  PARSE_OPTIONS = CSV_STRICT | CSV_STRICT_FINI | CSV_EMPTY_IS_NULL,
};

struct Reader {
  struct csv_parser parser;
  Dialect dialect;
  Decoder *decoder;
  Batch *batch;       // being filled
  const char *cursor; // first byte of the next field
  const char *fed;    // end of the bytes given to libcsv
  unsigned rows;      // ends of rows since the record began
  int row_end;        // byte that ended the first of them, -1 at the end of the source
  bool failed;        // out of memory
};

// A record while its lines are being fed.
typedef struct Attempt {
  const char *start;
  size_t text_mark; // what the batch held before
  size_t field_mark;
  size_t first_used; // bytes of its first physical line, with and without the line end
  size_t first_length;
} Attempt;

// One physical line.
typedef struct Line {
  const char *bytes;
  size_t used;   // with its line end
  size_t length; // without
  bool ended;    // has a line end
} Line;

Dialect dialect_default(void) {
  return (Dialect){.delimiter = ',',
                   .quote = '"',
                   .max_record = DEFAULT_MAX_RECORD,
                   .text = {.encoding = "utf-8", .exact_ascii = true}};
}

static int no_space(unsigned char byte) {
  (void)byte;
  return 0;
}

Reader *reader_new(const Dialect *dialect) {
  Reader *reader = calloc(1, sizeof *reader);
  if (!reader)
    return NULL;
  reader->dialect = *dialect;
  reader->decoder = decoder_new(&dialect->text, dialect->quote);
  if (!reader->decoder) {
    free(reader);
    return NULL;
  }
  csv_init(&reader->parser, PARSE_OPTIONS);
  csv_set_delim(&reader->parser, (unsigned char)dialect->delimiter);
  csv_set_quote(&reader->parser, (unsigned char)dialect->quote);
  csv_set_space_func(&reader->parser, no_space);
  csv_set_blk_size(&reader->parser, ENTRY_BLOCK);
  return reader;
}

void reader_free(Reader *reader) {
  if (!reader)
    return;
  csv_free(&reader->parser);
  decoder_free(reader->decoder);
  free(reader);
}

static Field *add_field(Reader *reader) {
  Field *field = batch_add_field(reader->batch);
  reader->failed = reader->failed || !field;
  return field;
}

static Record *add_record(Reader *reader) {
  Record *record = batch_add_record(reader->batch);
  reader->failed = reader->failed || !record;
  return record;
}

// A quoted field whose opening quote is at the cursor: a view where no quote is doubled, else a
// copy (the batch's text has room for the whole chunk, so it does not move).
static void take_quoted(Reader *reader, Field *field, const char *unescaped, size_t len) {
  char quote = reader->dialect.quote;
  const char *content = reader->cursor + 1;
  const char *at = memchr(content, quote, (size_t)(reader->fed - content));
  if ((size_t)(at - content) == len) {
    *field = (Field){content, (uint32_t)len, false};
    reader->cursor = at + 2;
    return;
  }
  Buffer *text = &reader->batch->text;
  *field = (Field){text->data + text->len, (uint32_t)len, false};
  buffer_put(text, unescaped, len);
  while (at + 1 < reader->fed && at[1] == quote)
    at = memchr(at + 2, quote, (size_t)(reader->fed - at - 2));
  reader->cursor = at + 2;
}

static void on_field(void *unescaped, size_t len, void *data) {
  Reader *reader = data;
  // Behind a CR in the middle of a line the record is a reject already, and libcsv, which passes
  // over further CRs, and the cursor part company.
  Field *field = reader->rows ? NULL : add_field(reader);
  if (!field)
    return;
  const char *at = reader->cursor;
  if (!unescaped) {
    *field = (Field){"", 0, true};
    reader->cursor = at + 1;
  } else if (*at != reader->dialect.quote) {
    *field = (Field){at, (uint32_t)len, false};
    reader->cursor = at + len + 1;
  } else {
    take_quoted(reader, field, unescaped, len);
  }
}

static void on_row(int end, void *data) {
  Reader *reader = data;
  if (reader->rows++ == 0)
    reader->row_end = end;
}

// Brings libcsv back to the start of a record.
static void forget(Reader *reader) {
  csv_set_opts(&reader->parser, CSV_EMPTY_IS_NULL);
  csv_fini(&reader->parser, NULL, NULL, NULL);
  csv_set_opts(&reader->parser, PARSE_OPTIONS);
}

static void drop_fields(Reader *reader, const Attempt *attempt) {
  reader->batch->field_count = attempt->field_mark;
  reader->batch->text.len = attempt->text_mark;
}

static char line_end_byte(const Reader *reader) {
  return reader->dialect.line_end == LINE_CR ? '\r' : '\n';
}

static Line next_line(const Reader *reader, const char *bytes, size_t left) {
  const char *end = memchr(bytes, line_end_byte(reader), left);
  if (!end)
    return (Line){bytes, left, left, false};
  size_t length = (size_t)(end - bytes);
  size_t used = length + 1;
  if (*end == '\n' && length > 0 && end[-1] == '\r')
    length--;
  return (Line){bytes, used, length, true};
}

// The record's end was seen: true when nothing but the line's own end ended it. In LF files libcsv
// ends a record at any CR, so a CR must be the one before the LF.
static bool row_ended_well(const Reader *reader, const Line *line) {
  if (reader->rows != 1 || reader->parser.pstate != 0)
    return false;
  if (reader->row_end != '\r' || reader->dialect.line_end == LINE_CR)
    return reader->row_end != '\n' || reader->dialect.line_end == LINE_LF;
  bool crlf = line->ended && line->used - line->length == 2;
  return crlf && (line->length == 0 || line->bytes[line->length - 1] != '\r');
}

static RecordError foreign_line_end(const Reader *reader) {
  return reader->dialect.line_end == LINE_CR ? RECORD_LINE_FEED : RECORD_CARRIAGE_RETURN;
}

typedef enum Fed { FED_RECORD, FED_MORE, FED_ERROR } Fed;

// Gives one line to libcsv. FED_MORE: the record goes on in the next line.
static Fed feed(Reader *reader, const Line *line, RecordError *error) {
  struct csv_parser *parser = &reader->parser;
  reader->fed = line->bytes + line->used;
  if (csv_parse(parser, line->bytes, line->used, on_field, on_row, reader) != line->used) {
    reader->failed = reader->failed || csv_error(parser) != CSV_EPARSE;
    *error = reader->rows ? foreign_line_end(reader) : RECORD_STRAY_QUOTE;
    return FED_ERROR;
  }
  if (reader->rows == 0 && line->ended)
    return FED_MORE;
  if (reader->rows == 0 && csv_fini(parser, on_field, on_row, reader) != 0) {
    *error = RECORD_UNTERMINATED_QUOTE;
    return FED_ERROR;
  }
  *error = foreign_line_end(reader);
  return row_ended_well(reader, line) ? FED_RECORD : FED_ERROR;
}

// Rejects the first physical line of what could not be read as a record.
static size_t reject(Reader *reader, const Attempt *attempt, RecordError error) {
  forget(reader);
  drop_fields(reader, attempt);
  Record *record = add_record(reader);
  if (record)
    *record = (Record){.bytes = attempt->start,
                       .length = (uint32_t)attempt->first_length,
                       .field_start = (uint32_t)attempt->field_mark,
                       .error = error};
  return attempt->first_used;
}

static size_t accept(Reader *reader, const Attempt *attempt, size_t length, size_t used) {
  Record *record = add_record(reader);
  if (!record)
    return used;
  uint32_t fields = (uint32_t)(reader->batch->field_count - attempt->field_mark);
  uint32_t columns = reader->dialect.columns;
  RecordError error = RECORD_OK;
  if (columns && fields != columns)
    error = fields < columns ? RECORD_TOO_FEW_FIELDS : RECORD_TOO_MANY_FIELDS;
  *record = (Record){.bytes = attempt->start,
                     .length = (uint32_t)length,
                     .field_start = (uint32_t)attempt->field_mark,
                     .field_count = fields,
                     .error = error};
  return used;
}

// Reads the record that starts with `line`. Returns the bytes used, 0 when its end is not in sight.
static size_t read_record(Reader *reader, Line line, size_t left, bool final) {
  Attempt attempt = {line.bytes, reader->batch->text.len, reader->batch->field_count, line.used,
                     line.length};
  if (line.length > reader->dialect.max_record)
    return reject(reader, &attempt, RECORD_TOO_LONG);
  char foreign = reader->dialect.line_end == LINE_CR ? '\n' : '\r';
  if (line.length > 0 && *line.bytes == foreign) // libcsv passes over it
    return reject(reader, &attempt, foreign_line_end(reader));
  reader->cursor = line.bytes;
  reader->rows = 0;
  for (;;) {
    RecordError error;
    Fed fed = feed(reader, &line, &error);
    size_t used = (size_t)(line.bytes - attempt.start) + line.used;
    size_t length = used - line.used + line.length;
    if (fed == FED_RECORD)
      return accept(reader, &attempt, length, used);
    if (fed == FED_ERROR)
      return reject(reader, &attempt, error);
    if (used == left && final)
      return reject(reader, &attempt, RECORD_UNTERMINATED_QUOTE);
    line = next_line(reader, attempt.start + used, left - used);
    if (!line.ended && !final) {
      forget(reader);
      drop_fields(reader, &attempt);
      return 0;
    }
    if (used + line.length > reader->dialect.max_record)
      return reject(reader, &attempt, RECORD_UNTERMINATED_QUOTE);
  }
}

// A blank line is nothing, or the NULL of a file with one column.
static void take_blank(Reader *reader, const Line *line) {
  if (reader->dialect.columns != 1)
    return;
  Attempt attempt = {.start = line->bytes, .field_mark = reader->batch->field_count};
  Field *field = add_field(reader);
  if (!field)
    return;
  *field = (Field){"", 0, true};
  accept(reader, &attempt, 0, line->used);
}

// Reads one record, or passes over a blank line, through libcsv. Returns the bytes used, 0 when the
// end is not in sight.
static size_t read_line(Reader *reader, const char *bytes, size_t left, bool final,
                        Position *position) {
  Batch *batch = reader->batch;
  Line line = next_line(reader, bytes, left);
  if (!line.ended && !final)
    return 0;
  size_t before = batch->record_count, used = line.used;
  if (line.length == 0)
    take_blank(reader, &line);
  else
    used = read_record(reader, line, left, final);
  if (batch->record_count > before) {
    batch->records[before].offset = position->offset;
    batch->records[before].line = position->line;
  }
  position->offset += used;
  position->line += used == line.used ? line.ended : scan_count(bytes, used, line_end_byte(reader));
  return used;
}

static bool has_room(const Batch *batch, size_t limit) {
  return limit == 0 || batch->record_count < limit;
}

size_t reader_read(Reader *reader, const char *bytes, size_t len, bool final, size_t limit,
                   Position *position, Batch *batch) {
  batch_clear(batch);
  reader->batch = batch;
  reader->failed = !buffer_reserve(&batch->text, len);
  size_t at = 0;
  while (at < len && !reader->failed && has_room(batch, limit)) {
    if (!reader->dialect.libcsv_only)
      at += ordinary_read(&reader->dialect, bytes + at, len - at, limit, position, batch,
                          &reader->failed);
    if (at == len || reader->failed || !has_room(batch, limit))
      break;
    size_t used = read_line(reader, bytes + at, len - at, final, position);
    if (used == 0)
      break;
    at += used;
  }
  if (!reader->failed && !decoder_run(reader->decoder, bytes, at, batch))
    reader->failed = true;
  return reader->failed ? SIZE_MAX : at;
}
