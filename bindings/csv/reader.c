// The reader. libcsv decides what a field is, or the general tokeniser for what libcsv cannot read;
// this file decides what a record, a line and a reject are.
//
// The unescaped bytes that libcsv hands out are the very bytes of the chunk, but for quoted fields
// with doubled quotes. So a field is a view into the chunk where possible, and only the others are
// copied into the batch. The callbacks run inside csv_parse: they record and never fail but by
// setting `failed`.
#include "csv/reader.h"

#include <csv.h>
#include <stdlib.h>
#include <string.h>

#include "csv/decode.h"
#include "csv/general.h"
#include "csv/ordinary.h"
#include "csv/policy.h"
#include "csv/scan.h"

enum {
  ENTRY_BLOCK = 64 * 1024, // how libcsv's field buffer grows; its own 128 bytes are too small
  PARSE_OPTIONS = CSV_STRICT | CSV_STRICT_FINI | CSV_EMPTY_IS_NULL,
};

struct Reader {
  Dialect dialect;
  Decoder *decoder;
  bool plain; // libcsv reads it
  bool quick; // ordinary.h reads most of it
  struct csv_parser parser;
  General general;
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
  reader->plain = dialect_is_plain(dialect);
  reader->quick = ordinary_knows(dialect);
  reader->general = general_new(&reader->dialect);
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
  // After a CR in the middle of a line the record is already a reject; libcsv skips further CRs, so
  // it and the cursor no longer agree.
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

// Resets libcsv to the start of a record.
static void forget(Reader *reader) {
  csv_set_opts(&reader->parser, CSV_EMPTY_IS_NULL);
  csv_fini(&reader->parser, NULL, NULL, NULL);
  csv_set_opts(&reader->parser, PARSE_OPTIONS);
}

static void drop_fields(Reader *reader, const Attempt *attempt) {
  reader->batch->field_count = attempt->field_mark;
  reader->batch->text.len = attempt->text_mark;
}

// The record's end was seen: true when nothing but the line's own end ended it. In LF files libcsv
// ends a record at any CR, so a CR must be the first of those before the LF.
static bool row_ended_well(const Reader *reader, const PhysicalLine *line) {
  if (reader->rows != 1 || reader->parser.pstate != 0)
    return false;
  if (reader->row_end != '\r' || reader->dialect.line_end == LINE_CR)
    return reader->row_end != '\n' || reader->dialect.line_end != LINE_CR;
  bool crlf = line->ended && line->used - line->length >= 2;
  return crlf && (line->length == 0 || line->bytes[line->length - 1] != '\r');
}

static RecordError foreign_line_end(const Reader *reader) {
  return reader->dialect.line_end == LINE_CR ? RECORD_LINE_FEED : RECORD_CARRIAGE_RETURN;
}

// Gives one line to libcsv.
static Fed feed_libcsv(Reader *reader, const PhysicalLine *line, RecordError *error) {
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

static void begin(Reader *reader, const Attempt *attempt) {
  reader->cursor = attempt->start;
  reader->rows = 0;
  if (!reader->plain)
    general_begin(&reader->general, reader->batch);
}

static Fed feed(Reader *reader, const PhysicalLine *line, RecordError *error) {
  if (reader->plain)
    return feed_libcsv(reader, line, error);
  Fed fed = general_feed(&reader->general, line, error);
  reader->failed = reader->failed || reader->general.failed;
  return fed;
}

static void give_up(Reader *reader, const Attempt *attempt) {
  if (reader->plain)
    forget(reader);
  drop_fields(reader, attempt);
}

// Rejects the first physical line of what could not be read as a record.
static size_t reject(Reader *reader, const Attempt *attempt, RecordError error) {
  give_up(reader, attempt);
  Record *record = add_record(reader);
  if (record)
    *record = (Record){.bytes = attempt->start,
                       .length = (uint32_t)attempt->first_length,
                       .field_start = (uint32_t)attempt->field_mark,
                       .error = error};
  return attempt->first_used;
}

static unsigned add_empty(Reader *reader, bool null) {
  Field *field = add_field(reader);
  if (field)
    *field = (Field){"", 0, null};
  return field != NULL;
}

// Bytes that escapes have made need not be text.
static void check_made_bytes(const Reader *reader, Record *record) {
  bool known = reader->dialect.text.kind != ENCODING_FIELDS;
  for (uint32_t i = 0; i < record->field_count && record->error <= RECORD_TOO_MANY_FIELDS; i++) {
    const Field *field = &reader->batch->fields[record->field_start + i];
    record->column = i + 1;
    if (memchr(field->data, 0, field->len))
      record->error = RECORD_NUL_BYTE;
    else if (known ? !scan_is_utf8(field->data, field->len)
                   : !scan_is_plain_ascii(field->data, field->len))
      record->error = RECORD_INVALID_ENCODING;
  }
}

static size_t accept(Reader *reader, const Attempt *attempt, size_t length, size_t used) {
  const Dialect *dialect = &reader->dialect;
  Record *record = add_record(reader);
  if (!record)
    return used;
  reader->batch->odd = true;
  uint32_t fields = (uint32_t)(reader->batch->field_count - attempt->field_mark);
  RecordError error = RECORD_OK;
  if (dialect->columns && fields != dialect->columns)
    error = fields < dialect->columns ? RECORD_TOO_FEW_FIELDS : RECORD_TOO_MANY_FIELDS;
  if (error == RECORD_OK && dialect->too_many == MANY_EXTRA && dialect->columns)
    fields += add_empty(reader, true); // nothing more than the columns: _extra
  *record = (Record){.bytes = attempt->start,
                     .length = (uint32_t)length,
                     .field_start = (uint32_t)attempt->field_mark,
                     .field_count = fields,
                     .error = error};
  if (!reader->plain && reader->general.blanks)
    record->repairs |= 1U << REPAIR_BLANKS;
  if (!reader->plain && reader->general.made_bytes)
    check_made_bytes(reader, record);
  return used;
}

// The record's first line alone, with its quotes as data, if it then has the right number of
// fields, which are put after those that are there. Returns the bytes used, 0 if it does not.
static size_t repair(Reader *reader, const Attempt *attempt) {
  General *general = &reader->general;
  Attempt repaired = *attempt;
  repaired.field_mark = reader->batch->field_count;
  bool good = reader->dialect.repair_quotes &&
              general_repair(general, reader->batch, attempt->start, attempt->first_length);
  reader->failed = reader->failed || general->failed;
  if (!good)
    return 0;
  general->blanks = general->made_bytes = false;
  accept(reader, &repaired, attempt->first_length, attempt->first_used);
  if (!reader->failed)
    reader->batch->records[reader->batch->record_count - 1].repairs |= 1U << REPAIR_QUOTE;
  return attempt->first_used;
}

static bool is_quote_error(RecordError error) {
  return error == RECORD_STRAY_QUOTE || error == RECORD_UNTERMINATED_QUOTE;
}

static size_t repair_or_reject(Reader *reader, const Attempt *attempt, RecordError error) {
  give_up(reader, attempt);
  size_t used = is_quote_error(error) ? repair(reader, attempt) : 0;
  return used > 0 ? used : reject(reader, attempt, error);
}

// A record of several lines and another width may be one whose opening quote was never closed.
static size_t accept_lines(Reader *reader, const Attempt *attempt, size_t length, size_t used) {
  size_t fields = reader->batch->field_count - attempt->field_mark;
  bool open = used > attempt->first_used && fields != reader->dialect.columns &&
              memchr(attempt->start, reader->dialect.quote, attempt->first_length);
  size_t first = open ? repair(reader, attempt) : 0;
  return first > 0 ? first : accept(reader, attempt, length, used);
}

// Why a record that needs one more line has no end.
static RecordError no_end(const Reader *reader) {
  bool quoted = reader->plain || reader->general.place == IN_QUOTES;
  return quoted ? RECORD_UNTERMINATED_QUOTE : RECORD_ESCAPED_LINE_END;
}

// Whether a record that needs one more line, the end of which is `used` bytes from its start, is
// longer than the dialect allows.
static bool is_too_long(const Reader *reader, uint32_t lines, size_t used) {
  uint32_t most = reader->dialect.max_record_lines;
  return used > reader->dialect.max_record || (most > 0 && lines > most);
}

static size_t read_with_blanks(Reader *reader, const Attempt *attempt, size_t left, bool final);

// Reads the record that starts with `line`. Returns the bytes used, 0 when its end is not among the
// bytes.
static size_t read_record(Reader *reader, PhysicalLine line, size_t left, bool final) {
  Attempt attempt = {line.bytes, reader->batch->text.len, reader->batch->field_count, line.used,
                     line.length};
  if (line.length > reader->dialect.max_record)
    return reject(reader, &attempt, RECORD_TOO_LONG);
  char foreign = reader->dialect.line_end == LINE_CR ? '\n' : '\r';
  if (line.length > 0 && *line.bytes == foreign) // libcsv skips it
    return reject(reader, &attempt, foreign_line_end(reader));
  begin(reader, &attempt);
  for (uint32_t lines = 1;; lines++) {
    RecordError error;
    Fed fed = feed(reader, &line, &error);
    size_t used = (size_t)(line.bytes - attempt.start) + line.used;
    size_t length = used - line.used + line.length;
    if (fed == FED_RECORD)
      return accept_lines(reader, &attempt, length, used);
    if (fed == FED_ERROR && reader->plain && reader->dialect.blanks_after_quote &&
        error == RECORD_STRAY_QUOTE)
      return read_with_blanks(reader, &attempt, left, final);
    if (fed == FED_ERROR)
      return repair_or_reject(reader, &attempt, error);
    if (used == left && final)
      return repair_or_reject(reader, &attempt, no_end(reader));
    line = dialect_line(&reader->dialect, attempt.start + used, left - used);
    if (!line.ended && !final) {
      give_up(reader, &attempt);
      return 0;
    }
    if (is_too_long(reader, lines + 1, used + line.length))
      return repair_or_reject(reader, &attempt, no_end(reader));
  }
}

// What libcsv does not accept: blanks after a closing quote.
static size_t read_with_blanks(Reader *reader, const Attempt *attempt, size_t left, bool final) {
  give_up(reader, attempt);
  reader->plain = false;
  PhysicalLine line = dialect_line(&reader->dialect, attempt->start, left);
  size_t used = read_record(reader, line, left, final);
  reader->plain = true;
  return used;
}

// A blank line is nothing, or the NULL of a file with one column or of one that keeps them.
static void take_blank(Reader *reader, const PhysicalLine *line) {
  if (reader->dialect.columns != 1 && !reader->dialect.keep_blank_lines) {
    reader->batch->lines.count[LINES_BLANK]++;
    return;
  }
  Attempt attempt = {.start = line->bytes, .field_mark = reader->batch->field_count};
  reader->general.blanks = reader->general.made_bytes = false;
  if (add_empty(reader, !reader->dialect.text_format))
    accept(reader, &attempt, 0, line->used);
}

// A line that starts with a byte order mark: the record after it, which policies look at.
static size_t read_marked(Reader *reader, PhysicalLine line, size_t left, bool final) {
  Attempt attempt = {line.bytes, reader->batch->text.len, reader->batch->field_count, line.used,
                     line.length};
  if (line.length == MARK_LENGTH)
    return reject(reader, &attempt, RECORD_MARK);
  PhysicalLine rest = line;
  rest.bytes += MARK_LENGTH;
  rest.used -= MARK_LENGTH;
  rest.length -= MARK_LENGTH;
  size_t used = read_record(reader, rest, left - MARK_LENGTH, final);
  if (used == 0 || reader->failed)
    return used;
  Record *record = &reader->batch->records[reader->batch->record_count - 1];
  record->bytes -= MARK_LENGTH;
  record->length += MARK_LENGTH;
  record->repairs |= 1U << REPAIR_MARK;
  return used + MARK_LENGTH;
}

// The line that ends data in the text format; before the end of the file it is a reject.
static size_t read_end_marker(Reader *reader, const PhysicalLine *line, bool last) {
  Attempt attempt = {line->bytes, reader->batch->text.len, reader->batch->field_count, line->used,
                     line->length};
  if (!last)
    return reject(reader, &attempt, RECORD_END_MARKER);
  reader->batch->lines.count[LINES_FOOTER]++;
  return line->used;
}

static bool is_end_marker(const Dialect *dialect, const PhysicalLine *line) {
  return dialect->text_format && line->length == 2 && memcmp(line->bytes, "\\.", 2) == 0;
}

// Reads one record, or skips a blank line or a comment. Returns the bytes used, 0 when the
// end is not in sight.
static size_t read_line(Reader *reader, const char *bytes, size_t left, bool final,
                        Position *position) {
  Batch *batch = reader->batch;
  const Dialect *dialect = &reader->dialect;
  PhysicalLine line = dialect_line(dialect, bytes, left);
  if (!line.ended && !final)
    return 0;
  size_t before = batch->record_count, used = line.used;
  const char *end = bytes + line.length;
  if (line.length == 0)
    take_blank(reader, &line);
  else if (dialect_is_comment(dialect, bytes, end))
    lines_add_comment(&batch->lines, position->line, bytes, line.length);
  else if (is_end_marker(dialect, &line))
    used = read_end_marker(reader, &line, final && used == left && dialect->footer == 0);
  else if (dialect_is_mark(dialect, bytes, end))
    used = read_marked(reader, line, left, final);
  else
    used = read_record(reader, line, left, final);
  if (batch->record_count > before) {
    batch->records[before].offset = position->offset;
    batch->records[before].line = position->line;
  }
  position->offset += used;
  position->line +=
      used == line.used ? line.ended : scan_count(bytes, used, dialect_line_end(dialect));
  return used;
}

static bool has_room(const Batch *batch, size_t limit) {
  return limit == 0 || batch->record_count < limit;
}

// Leaves blank lines at the end, after the last record, to what comes after them: with a record
// of another width they end the table.
static size_t leave_blank_end(const Dialect *dialect, const char *bytes, size_t records,
                              size_t used, Position *position, uint64_t *blank) {
  uint64_t lines;
  size_t left =
      records + dialect_without_blank_end(dialect, bytes + records, used - records, &lines);
  position->line -= lines;
  position->offset -= used - left;
  *blank -= lines;
  return left;
}

static size_t tokenise(Reader *reader, const char *bytes, size_t len, bool final, size_t limit,
                       Position *position) {
  const Dialect *dialect = &reader->dialect;
  Batch *batch = reader->batch;
  size_t at = 0, records = 0; // bytes to the end of the last record
  while (at < len && !reader->failed && has_room(batch, limit)) {
    size_t used = 0;
    if (reader->quick)
      used = ordinary_read(dialect, bytes + at, len - at, limit, position, batch, &reader->failed);
    at += used;
    records = used > 0 ? at : records;
    if (at == len || reader->failed || !has_room(batch, limit))
      break;
    size_t count = batch->record_count;
    used = read_line(reader, bytes + at, len - at, final, position);
    if (used == 0)
      break;
    at += used;
    records = batch->record_count > count ? at : records;
  }
  if (dialect->end_at_second_table && !final)
    at = leave_blank_end(dialect, bytes, records, at, position, &batch->lines.count[LINES_BLANK]);
  return at;
}

// Blank lines and comments in bytes[at, end), which is between two records.
static void count_gap(const Dialect *dialect, const char *at, const char *end, uint64_t line,
                      Lines *lines) {
  while (at < end) {
    PhysicalLine next = dialect_line(dialect, at, (size_t)(end - at));
    if (next.length == 0)
      lines->count[LINES_BLANK]++;
    else
      lines_add_comment(lines, line, at, next.length);
    at += next.used;
    line++;
  }
}

// The same for the whole batch, of which some were read after the record where a policy stopped.
static void count_gaps(const Dialect *dialect, Batch *batch, const char *bytes, size_t used,
                       Position start) {
  const char *at = bytes;
  uint64_t line = start.line;
  char end = dialect_line_end(dialect);
  batch->lines = (Lines){0};
  for (size_t i = 0; i < batch->record_count; i++) {
    const Record *record = &batch->records[i];
    count_gap(dialect, at, record->bytes, line, &batch->lines);
    at = record->bytes + record->length;
    line = record->line + scan_count(record->bytes, record->length, end) + 1;
    const char *stop = memchr(at, end, (size_t)(bytes + used - at));
    at = stop ? stop + 1 : bytes + used;
  }
  count_gap(dialect, at, bytes + used, line, &batch->lines);
}

// Lines that are neither blank nor a comment are lines of records.
static void count_records(const Dialect *dialect, Batch *batch, const char *bytes, size_t used,
                          uint64_t line_ends) {
  bool open = used > 0 && bytes[used - 1] != dialect_line_end(dialect);
  batch->lines.count[LINES_RECORD] = line_ends + open - lines_total(&batch->lines);
}

// Some programs of DOS put a Ctrl-Z after the last line.
static void find_control_z(const Dialect *dialect, Batch *batch, const char *end) {
  Record *last = batch->record_count > 0 ? &batch->records[batch->record_count - 1] : NULL;
  if (!last || last->length == 0 || last->error > RECORD_TOO_MANY_FIELDS || dialect->footer > 0 ||
      last->bytes[last->length - 1] != 0x1a)
    return;
  const char *at = last->bytes + last->length;
  while (at < end && *at == '\r')
    at++;
  if (at == end || (at + 1 == end && *at == '\n'))
    last->error = RECORD_CONTROL_Z;
}

// Whether the first record is right under the header, where a policy looks at it.
static bool is_under_header(const Dialect *dialect, const Batch *batch) {
  return batch->record_count > 0 && batch->records[0].offset == dialect->first_offset;
}

size_t reader_read(Reader *reader, const char *bytes, size_t len, bool final, size_t limit,
                   Position *position, Batch *batch) {
  const Dialect *dialect = &reader->dialect;
  Position start = *position;
  batch_clear(batch);
  reader->batch = batch;
  reader->general.failed = false;
  reader->failed = !buffer_reserve(&batch->text, len);
  size_t used = tokenise(reader, bytes, len, final, limit, position);
  if (final && !reader->failed && !dialect->from_server) // or the last record may be half made
    find_control_z(dialect, batch, bytes + len);
  batch->odd = batch->odd || is_under_header(dialect, batch);
  bool good = !reader->failed && decoder_run(reader->decoder, bytes, used, batch);
  if (good)
    used = policy_apply(&reader->general, batch, bytes, used, position, &good);
  if (batch->stopped)
    count_gaps(dialect, batch, bytes, used, start);
  count_records(dialect, batch, bytes, used, position->line - start.line);
  if (good)
    decoder_run_extra(reader->decoder, &reader->general, batch);
  if (good)
    policy_count(dialect, batch);
  return good ? used : SIZE_MAX;
}

bool reader_reject_line(Reader *reader, const char *bytes, size_t len, RecordError error,
                        Position position, Batch *batch) {
  batch_clear(batch);
  Record *record = batch_add_record(batch);
  if (!record)
    return false;
  PhysicalLine line = dialect_line(&reader->dialect, bytes, len);
  *record = (Record){.offset = position.offset,
                     .line = position.line,
                     .bytes = bytes,
                     .length = (uint32_t)line.length,
                     .error = error};
  return true;
}

uint64_t reader_count_lines(const Reader *reader, const char *bytes, size_t len, bool last) {
  char end = dialect_line_end(&reader->dialect);
  return scan_count(bytes, len, end) + (last && len > 0 && bytes[len - 1] != end);
}
