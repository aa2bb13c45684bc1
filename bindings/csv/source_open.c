// Opening a source: decides the encoding, skips what comes before the table, finds the line
// end, reads the header.
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "csv/general.h"
#include "csv/sample_encoding.h"
#include "csv/sha256.h"
#include "csv/source_internal.h"
#include "csv/split.h"

enum {
  MOST_MARK = 5, // bytes of a byte order mark
  MOST_SPECIAL = 16,
};

// Fills pending until it has `want` bytes, or all there are.
static bool read_ahead(Source *source, size_t want, Error *error) {
  while (!source->at_end && source_pending(source) < want) {
    if (!source_read_block(source, error))
      return false;
  }
  return true;
}

static void note_guess(char note[ENCODING_NOTE], const SampleEncoding *found, bool whole) {
  const char *where = whole ? "the whole file" : "the first 256 KiB";
  if (strcmp(found->how, "ascii") == 0 || strcmp(found->how, "valid") == 0)
    snprintf(note, ENCODING_NOTE, "%s is valid UTF-8", where);
  else if (strcmp(found->how, "mostly") == 0)
    snprintf(note, ENCODING_NOTE, "%s is UTF-8 but for %zu place%s", where, found->invalid,
             found->invalid == 1 ? "" : "s");
  else
    snprintf(note, ENCODING_NOTE, "a guess from %s", where);
}

// Detects it from the first bytes, as sniffing does; refuses if uncertain.
static bool guess_encoding(Source *source, const char *bytes, size_t count, Error *error) {
  bool whole = count <= SAMPLE_ENCODING_BYTES;
  SampleEncoding found = sample_encoding(bytes, whole ? count : SAMPLE_ENCODING_BYTES, whole);
  if (strcmp(found.how, "unsure") == 0)
    return error_set(error, "encoding",
                     "could not read '%s': its encoding is not clear, it could be %s%s%s: give it",
                     source->name, found.name, *found.rival ? " or " : "", found.rival);
  snprintf(source->dialect.text.encoding, ENCODING_NAME, "%s", found.name);
  note_guess(source->encoding_note, &found, whole);
  return true;
}

// The encoding requested, or the one detected. Skips its byte order mark.
static bool choose_encoding(Source *source, Error *error) {
  TextOptions *text = &source->dialect.text;
  bool guess = strcasecmp(text->encoding, "auto") == 0;
  if (!read_ahead(source, guess ? SAMPLE_ENCODING_BYTES + 1 : MOST_MARK, error))
    return false;
  const char *bytes = source->pending.data + source->start, *name;
  size_t count = source_pending(source), mark = encoding_of_mark(bytes, count, &name);
  if (mark > 0) {
    if (strcasecmp(text->encoding, name) != 0)
      snprintf(source->encoding_note, ENCODING_NOTE, "its byte order mark");
    snprintf(text->encoding, ENCODING_NAME, "%s", name);
    source->start += mark;
    source->origin = mark;
    return true;
  }
  return !guess || guess_encoding(source, bytes, count, error);
}

// What is in pending was read before it was known that it must be transcoded.
static bool start_transcoder(Source *source, Error *error) {
  Buffer read = source->pending, text = {0};
  source->transcoder = transcoder_new(&source->dialect.text);
  bool ok = source->transcoder && transcoder_put(source->transcoder, read.data + source->start,
                                                 source_pending(source), source->at_end, &text);
  source->pending = text;
  source->transcoded = text.len;
  source->start = 0;
  source_note_packing(source);
  buffer_free(&read);
  return ok || source_no_memory(source, error);
}

// Bytes that text is cut at.
static size_t special_bytes(const Dialect *dialect, char *special) {
  size_t count = 0, length = dialect_delimiter_length(dialect);
  memcpy(special, length > 1 ? dialect->longer_delimiter : &dialect->delimiter, length);
  count += length;
  if (!dialect->unquoted)
    special[count++] = dialect->quote;
  if (dialect->escape)
    special[count++] = dialect->escape;
  special[count++] = '\r';
  special[count++] = '\n';
  return count;
}

static bool resolve_encoding(Source *source, Error *error) {
  char special[MOST_SPECIAL];
  Error reason;
  size_t count = special_bytes(&source->dialect, special);
  if (encoding_resolve(&source->dialect.text, special, count, &reason))
    return true;
  return error_set(error, reason.code, "could not read '%s': %s", source->name, reason.message);
}

static bool decide_encoding(Source *source, Error *error) {
  if (!choose_encoding(source, error) || !resolve_encoding(source, error))
    return false;
  EncodingKind kind = source->dialect.text.kind;
  if (kind == ENCODING_UTF8 || kind == ENCODING_FIELDS)
    source->position.offset = source->origin;
  else if (!start_transcoder(source, error))
    return false;
  if (!read_ahead(source, 1, error))
    return false;
  return source_pending(source) > 0 || source->dialect.from_server ||
         error_set(error, "empty", "'%s' is empty", source->name);
}

// A control character that no header has: NUL and its like, not blanks, nor what tells fields
// apart.
static bool has_binary_byte(const char *bytes, size_t len, const Dialect *dialect) {
  for (size_t i = 0; i < len; i++) {
    unsigned char byte = (unsigned char)bytes[i];
    if (byte == 0 && dialect->text.strip_nul)
      continue;
    if (byte == (unsigned char)dialect->delimiter || byte == (unsigned char)dialect->quote)
      continue;
    if (byte < 0x09 || (byte > 0x0d && byte < 0x20))
      return true;
  }
  return false;
}

static bool check_not_binary(const Source *source, const char *bytes, size_t len, Error *error) {
  return !has_binary_byte(bytes, len, &source->dialect) ||
         error_set(error, "binary", "'%s' looks like a binary file, not CSV", source->name);
}

// Whether one line alone ends in CR, and others in LF outside quotes: two kinds of line end.
static bool ends_differ(const Dialect *dialect, const char *bytes, size_t len) {
  bool quoted = false;
  size_t crs = 0, lfs = 0;
  for (size_t i = 0; i < len && crs < 2; i++) {
    quoted ^= !dialect->unquoted && bytes[i] == dialect->quote;
    lfs += !quoted && bytes[i] == '\n';
    crs += !quoted && bytes[i] == '\r' && !(i + 1 < len && bytes[i + 1] == '\n');
  }
  return crs == 1 && lfs > 0;
}

static bool check_line_ends(const Source *source, size_t len, Error *error) {
  const char *bytes = source->pending.data + source->start;
  if (source->dialect.line_end != LINE_CR || !ends_differ(&source->dialect, bytes, len))
    return true;
  const char *end = memchr(bytes, '\r', len);
  if (!check_not_binary(source, bytes, end ? (size_t)(end - bytes) : len, error))
    return false;
  return error_set(error, "line_end",
                   "%s:%llu: this line ends in CR alone, those after it in LF: make the line ends "
                   "the same",
                   source->name, (unsigned long long)source->position.line);
}

// How much is examined depends only on the bytes, not on the pieces they arrived in.
static bool find_line_end(Source *source, Error *error) {
  if (source->dialect.line_end == LINE_CR)
    return true;
  for (size_t want = SOURCE_BLOCK;; want *= 2) {
    while (!source->at_end && source_pending(source) < want) {
      if (!source_read_block(source, error))
        return false;
    }
    size_t count = source_pending(source), len = count < want ? count : want;
    bool follows = !source->at_end || count > len;
    if (split_find_line_end(&source->dialect, source->pending.data + source->start, len, follows,
                            &source->dialect.line_end))
      return check_line_ends(source, len, error);
    if (!follows || want > source->dialect.max_record)
      return true;
  }
}

static bool is_readable(const Record *record) {
  return record->error == RECORD_OK || record->error == RECORD_TOO_FEW_FIELDS ||
         record->error == RECORD_TOO_MANY_FIELDS;
}

// Whether blanks are between a closing quote and what ends its field, which an option allows.
static bool has_blanks_after_quote(const Dialect *dialect, const Record *record) {
  const char *end = record->bytes + record->length;
  for (const char *at = record->bytes; dialect->quote && at < end; at++) {
    const char *after = at + 1;
    while (*at == dialect->quote && after < end && (*after == ' ' || *after == '\t'))
      after++;
    if (after > at + 1 &&
        (after == end || strchr("\r\n", *after) || dialect_is_delimiter(dialect, after, end)))
      return true;
  }
  return false;
}

static bool header_unreadable(const Source *source, const Record *record, Error *error) {
  const char *what =
      source->dialect.headerless ? "count the columns of the first two records" : "read the header";
  char reason[128];
  record_error_text(record, &source->dialect, reason, sizeof reason);
  const char *advice = "";
  if (record->error == RECORD_STRAY_QUOTE)
    advice = has_blanks_after_quote(&source->dialect, record)
                 ? ": if blanks after a closing quote are not data, give blanks_after_quote = "
                   "'skip' (--blanks-after-quote skip)"
                 : ": if it is data, give stray_quote = 'repair' (--stray-quote repair)";
  return error_set(error, "header", "%s:%llu: could not %s: %s%s", source->name,
                   (unsigned long long)record->line, what, reason, advice);
}

// The dialect that the header is read with: no policies, any number of columns.
static Dialect header_dialect(const Source *source) {
  Dialect dialect = source->dialect;
  dialect.columns = 0;
  dialect.keep_blank_lines = false;
  dialect.end_at_second_table = false;
  dialect.first_offset = UINT64_MAX;
  return dialect;
}

static bool name_columns(Source *source, size_t count, Error *error) {
  Dialect *dialect = &source->dialect;
  Header *header = &source->header;
  if (!header_make_names(header, count, dialect->too_many == MANY_EXTRA))
    return source_no_memory(source, error);
  if (dialect->columns == 0)
    dialect->columns = (uint32_t)count;
  dialect->header = header->lines;
  dialect->names = header->line_count ? &header->lines[header->line_count - 1] : NULL;
  dialect->first_offset = header->line_count ? source->position.offset : UINT64_MAX;
  dialect->header_count =
      count > 1 && dialect->repeated_header != HEADER_LOAD ? header->line_count : 0;
  if (dialect->repair_names)
    return header_repair(header) || source_no_memory(source, error);
  return dialect->any_header || dialect->headerless || header_check(header, source->name, error);
}

// The file's first record, which is not a header, is read again: its part of `chunk` is put back.
static bool put_back_record(Source *source, const Chunk *chunk, const Record *record,
                            Error *error) {
  const char *bytes = chunk->bytes.data;
  size_t before = (size_t)(record->bytes - bytes);
  if (!source_put_back(source, record->bytes, chunk->bytes.len - before))
    return source_no_memory(source, error);
  source->position = (Position){record->offset, record->line};
  source->origin = chunk->origin + source_length_in_file(source, bytes, before);
  return true;
}

// Logs of web servers name their columns in a line of its own, https://www.w3.org/TR/WD-logfile
static const char directive[] = "#Fields:";

static bool is_directive(const char *bytes, size_t len) {
  size_t length = sizeof directive - 1;
  return len >= length && memcmp(bytes, directive, length) == 0;
}

static bool check_directive(const Source *source, const Chunk *chunk, const Record *record,
                            Error *error) {
  const char *at = chunk->bytes.data;
  bool found = is_directive(record->bytes, record->length);
  while (!found && at < record->bytes) {
    PhysicalLine line = dialect_line(&source->dialect, at, (size_t)(record->bytes - at));
    found = is_directive(at, line.length);
    at += line.used;
  }
  return !found ||
         error_set(error, "header",
                   "%s:%llu: the columns are named by a line '#Fields:', which is no header: give "
                   "comment '#' and header = false (--comment '#' --no-header)",
                   source->name, (unsigned long long)record->line);
}

// Where the next record is looked for: blank lines and all, however the bytes arrive.
static size_t width_limit(const Source *source) {
  size_t limit = source->dialect.max_record * 2;
  return limit > SOURCE_BLOCK ? limit : SOURCE_BLOCK;
}

// How many fields the next pending record has; 0: it cannot be read. False: its end is not pending
// yet.
static bool pending_width(const Source *source, Reader *reader, Batch *batch, uint32_t *width) {
  Position position = source->position;
  size_t pending = source_pending(source), limit = width_limit(source);
  bool final = source->at_end && pending <= limit;
  size_t used = reader_read(reader, source->pending.data + source->start,
                            pending < limit ? pending : limit, final, 1, &position, batch);
  bool found = used != SIZE_MAX && batch->record_count > 0;
  *width = found && batch->records[0].error == RECORD_OK ? batch->records[0].field_count : 0;
  return found;
}

// The same, reading on until it is in sight.
static bool next_width(Source *source, uint32_t *width, Error *error) {
  Dialect dialect = header_dialect(source);
  Reader *reader = reader_new(&dialect);
  Batch batch = {0};
  bool good = reader;
  while (good && !(source_pending(source) > 0 && pending_width(source, reader, &batch, width)) &&
         !source->at_end && source_pending(source) < width_limit(source))
    good = source_read_block(source, error);
  bool memory = reader;
  batch_free(&batch);
  reader_free(reader);
  return memory ? good : source_no_memory(source, error);
}

// Adds the header's line with its stray quotes as data, if it then has as many fields as the next
// record. *mended says so.
static bool mend_header(Source *source, const Record *record, bool *mended, Error *error) {
  Dialect dialect = source->dialect;
  Batch batch = {0};
  *mended = false;
  dialect.columns = 0;
  if (!next_width(source, &dialect.columns, error))
    return false;
  General general = general_new(&dialect);
  bool memory = buffer_reserve(&batch.text, record->length);
  if (memory && general_repair(&general, &batch, record->bytes, record->length)) {
    memory = header_add(&source->header, batch.fields, dialect.columns);
    *mended = source->header_mended = true;
  }
  batch_free(&batch);
  return (memory && !general.failed) || source_no_memory(source, error);
}

static bool is_quote_error(RecordError error) {
  return error == RECORD_STRAY_QUOTE || error == RECORD_UNTERMINATED_QUOTE;
}

// Counts the lines up to the record in `batch`, and those of a header.
static void count_opening(Source *source, const Batch *batch) {
  Lines lines = batch->lines;
  lines.count[LINES_HEADER] = source->dialect.headerless ? 0 : lines.count[LINES_RECORD];
  lines.count[LINES_RECORD] = 0;
  lines_add(&source->opening, &lines);
}

// The columns that the header's last line, or the first record of a file without one, has fields
// for.
static size_t count_columns(const Source *source, const Batch *batch) {
  const Header *header = &source->header;
  HeaderLine line = {0};
  if (!source->dialect.headerless)
    line = header->lines[header->line_count - 1];
  else if (batch->records[0].field_count > 0)
    line =
        (HeaderLine){batch->fields + batch->records[0].field_start, batch->records[0].field_count};
  bool trailing =
      source->dialect.trailing_delimiter && line.count > 1 && line.fields[line.count - 1].null;
  return line.count - trailing;
}

// The first record of a file without a header is put back, to be read as all others are. Where it
// cannot be read, the next one says how many columns there are.
static bool take_first_record(Source *source, const Chunk *chunk, const Batch *batch,
                              size_t *columns, Error *error) {
  const Record *record = &batch->records[0];
  uint32_t width = 0;
  count_opening(source, batch);
  if (!check_not_binary(source, record->bytes, record->length, error))
    return false;
  if (is_readable(record))
    *columns = count_columns(source, batch);
  else if (!next_width(source, &width, error))
    return false;
  else if (width == 0)
    return header_unreadable(source, record, error);
  else
    *columns = width;
  return put_back_record(source, chunk, record, error);
}

// Takes the record in `batch` as a line of the header.
static bool take_header_line(Source *source, const Chunk *chunk, const Batch *batch,
                             size_t *columns, Error *error) {
  const Record *record = &batch->records[0];
  Header *header = &source->header;
  bool mended = false;
  count_opening(source, batch);
  if (header->line_count == 0)
    header->position = record->line;
  if (is_quote_error(record->error) && source->dialect.repair_quotes &&
      !mend_header(source, record, &mended, error))
    return false;
  if (!mended && !check_not_binary(source, record->bytes, record->length, error))
    return false;
  if (!mended && !is_readable(record))
    return header_unreadable(source, record, error);
  if (!mended && !check_directive(source, chunk, record, error))
    return false;
  if (!mended && !header_add(header, batch->fields + record->field_start, record->field_count))
    return source_no_memory(source, error);
  size_t count = count_columns(source, batch);
  *columns = *columns < count ? count : *columns;
  return true;
}

static bool header_missing(const Source *source, uint32_t line, Error *error) {
  const Dialect *dialect = &source->dialect;
  bool passes_over = dialect->footer > 0 || dialect->comment_length > 0;
  if (line == 0)
    return error_set(error, "empty", "'%s' is empty: it has only %s", source->name,
                     passes_over ? "lines that are skipped" : "blank lines");
  return error_set(error, "header", "'%s' ends in its header: %u of %u lines", source->name,
                   (unsigned)line, (unsigned)source->dialect.header_lines);
}

static bool read_header_lines(Source *source, Reader *reader, Chunk *chunk, Batch *batch,
                              Error *error) {
  uint32_t lines = source->dialect.header_lines > 1 ? source->dialect.header_lines : 1;
  size_t columns = 0;
  for (uint32_t i = 0; i < lines; i++) {
    SourceStatus status = source_read_some(source, reader, SOURCE_BLOCK, 1, chunk, batch, error);
    if (status == SOURCE_END)
      return header_missing(source, i, error);
    bool taken =
        status != SOURCE_ERROR &&
        (source->dialect.headerless ? take_first_record(source, chunk, batch, &columns, error)
                                    : take_header_line(source, chunk, batch, &columns, error));
    if (!taken)
      return false;
  }
  return name_columns(source, columns, error);
}

static bool read_header(Source *source, Error *error) {
  if (source->dialect.headerless && source->dialect.columns > 0)
    return name_columns(source, source->dialect.columns, error);
  Dialect dialect = header_dialect(source);
  Reader *reader = reader_new(&dialect);
  if (!reader)
    return source_no_memory(source, error);
  Chunk chunk = {0};
  Batch batch = {0};
  bool ok = read_header_lines(source, reader, &chunk, &batch, error);
  buffer_free(&chunk.bytes);
  batch_free(&batch);
  reader_free(reader);
  return ok;
}

// The line end of lines that are skipped, the first one there is: '\0' when there is none.
static char skipped_line_end(const Source *source) {
  const char *bytes = source->pending.data + source->start;
  const char *end = bytes + source_pending(source), *at = bytes;
  while (at < end && *at != '\r' && *at != '\n')
    at++;
  const char *lf = at;
  while (lf < end && lf - at < 2 && *lf == '\r')
    lf++;
  if (lf < end)
    return *lf == '\n' ? '\n' : '\r';
  return source->at_end ? '\r' : '\0';
}

// Skips pending bytes up to and including `end`. False: it is not there.
static bool skip_past(Source *source, char end) {
  const char *bytes = source->pending.data + source->start;
  const char *found = memchr(bytes, end, source_pending(source));
  size_t len = found ? (size_t)(found - bytes) + 1 : source_pending(source);
  source->start += len;
  source->position.offset += len;
  source->origin += source_length_in_file(source, bytes, len);
  return found;
}

// Whether no record is needed: everything a header would tell is known.
static bool may_be_empty(const Source *source) {
  return source->dialect.headerless && source->dialect.columns > 0;
}

static bool skip_lines(Source *source, Error *error) {
  if (source->dialect.skip == 0)
    return true;
  char end = source->dialect.line_end == LINE_CR ? '\r' : '\0';
  while (end == '\0' && (end = skipped_line_end(source)) == '\0')
    if (!source_read_block(source, error))
      return false;
  for (uint32_t i = 0; i < source->dialect.skip; i++) {
    while (!skip_past(source, end)) {
      if (source->at_end && i + 1 == source->dialect.skip && may_be_empty(source)) {
        source->open_end = true;
        break;
      }
      if (source->at_end)
        return error_set(error, "empty", "'%s' has no more than the %u lines that are skipped",
                         source->name, (unsigned)source->dialect.skip);
      if (!source_read_block(source, error))
        return false;
    }
  }
  source->position.line += source->dialect.skip - source->open_end;
  source->opening.count[LINES_PREAMBLE] = source->dialect.skip;
  return true;
}

static bool prepare(Source *source, Error *error) {
  sha256_begin(&source->digest);
  if (!source->name)
    return error_set_errno(error, ENOMEM, "could not read the source");
  return decide_encoding(source, error) && skip_lines(source, error) &&
         find_line_end(source, error) && read_header(source, error);
}

Source *source_open(Input *input, const char *name, const Dialect *dialect, Error *error) {
  assert(input);
  Source *source = calloc(1, sizeof *source);
  if (!source) {
    input->close(input);
    error_set_errno(error, ENOMEM, "could not read '%s'", name);
    return NULL;
  }
  source->input = input;
  source->name = strdup(name);
  source->dialect = *dialect;
  source->position = (Position){0, 1};
  atomic_init(&source->end_of_table, UINT64_MAX);
  atomic_init(&source->packing, 1);
  if (prepare(source, error))
    return source;
  source_close(source);
  return NULL;
}
