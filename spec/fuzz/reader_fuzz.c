// Reader: whichever way bytes are read, the records are those of libcsv, record by record.
//
// Six bytes choose the dialect and the ways, the rest is the text. It is read by libcsv alone at
// once, and then: with the quick way for ordinary records; both without its end; a few records at a
// time; in two pieces; and by the general tokeniser, which must give what libcsv gives.
#include "csv_check.h"
#include "fuzz.h"

typedef struct Case {
  Dialect dialect;
  Text text;
  size_t cut;   // of two pieces
  size_t limit; // records at a time
  bool first_by_libcsv;
  bool second_by_libcsv;
} Case;

enum { FAST, BY_LIBCSV, GENERAL, READERS };

// Reused from case to case, as a load does from chunk to chunk.
static Batch expected, got, short_expected;

static const Position origin = {1000, 7};

// Many texts of few different bytes say more of quotes than random ones.
static char *make_text(const Dialect *dialect, const FuzzInput *input, bool few_bytes) {
  const char few[16] = {dialect->quote, dialect->delimiter, '\n',   '\r',   'a', ' ',
                        dialect->quote, dialect->quote,     '\n',   '\xc3', 'b', '\xa9',
                        '\0',           dialect->delimiter, '\xff', 'c'};
  char *text = fuzz_copy(input->at, input->left);
  for (size_t i = 0; few_bytes && i < input->left; i++)
    text[i] = few[text[i] & 15];
  for (size_t i = 0; i < input->left; i++) // what it is depends on whether the text ends here
    text[i] = text[i] == 0x1a ? 'z' : text[i];
  return text;
}

static Case make_case(FuzzInput *input) {
  static const char delimiters[] = ",;\t|a \x01\"", quotes[] = "\"'\x7f,";
  uint8_t first = fuzz_byte(input), second = fuzz_byte(input), max_record = fuzz_byte(input);
  uint8_t cut = fuzz_byte(input), third = fuzz_byte(input);
  Case made = {.dialect = dialect_default()};
  made.dialect.delimiter = delimiters[first & 7];
  made.dialect.quote = quotes[first >> 3 & 3];
  if (made.dialect.delimiter == made.dialect.quote)
    made.dialect.quote = '$';
  made.dialect.line_end = first & 32 ? LINE_CR : third & 4 ? LINE_CRCRLF : LINE_LF;
  made.dialect.columns = second & 7;
  if (max_record)
    made.dialect.max_record = max_record;
  made.dialect.repair_quotes = third & 8;
  made.dialect.blanks_after_quote = third & 16;
  made.dialect.trailing_delimiter = third & 32;
  made.dialect.first_offset = third & 64 ? 1000 : UINT64_MAX;
  made.limit = 1 + (second >> 3 & 7);
  made.first_by_libcsv = third & 1;
  made.second_by_libcsv = third & 2;
  made.text = (Text){make_text(&made.dialect, input, first & 64), input->left};
  made.cut = input->left * cut / UINT8_MAX;
  return made;
}

static bool same_field(const Field *a, const Field *b) {
  return a->len == b->len && a->null == b->null && memcmp(a->data, b->data, a->len) == 0;
}

static void expect_record(const Batch *a_batch, const Record *a, const Batch *b_batch,
                          const Record *b) {
  fuzz_check(a->offset == b->offset && a->line == b->line, "a record has another position");
  fuzz_check(a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0,
             "a record has other bytes");
  fuzz_check(a->error == b->error, "a record has another error");
  fuzz_check(a->field_count == b->field_count, "a record has another number of fields");
  for (uint32_t i = 0; i < a->field_count; i++)
    fuzz_check(
        same_field(&a_batch->fields[a->field_start + i], &b_batch->fields[b->field_start + i]),
        "a field is another");
}

// The records of `some` are those of `all` from its record `from` on.
static void expect_records(const Batch *all, size_t from, const Batch *some) {
  fuzz_check(from + some->record_count <= all->record_count, "there are too many records");
  for (size_t i = 0; i < some->record_count; i++)
    expect_record(all, &all->records[from + i], some, &some->records[i]);
}

static void expect_position(Position a, Position b) {
  fuzz_check(a.offset == b.offset && a.line == b.line, "the reader ends elsewhere");
}

static uint64_t line_of(const Case *the, size_t at) {
  return origin.line - 1 + line_at(&the->text, at, the->dialect.line_end);
}

// What must hold for the records of a text read to its end.
static void check_batch(const Case *the, const Batch *batch, Position end) {
  size_t covered = 0;
  uint64_t line = 1;
  for (size_t i = 0; i < batch->record_count; i++) {
    Record record = batch->records[i];
    record.offset -= origin.offset;
    fuzz_check(record.bytes == the->text.bytes + record.offset, "a record is not where it is");
    fuzz_check(record.line == line_of(the, (size_t)record.offset), "a record has a wrong line");
    check_record(&the->text, &record, &covered, &line);
  }
  check_tail(&the->text, covered);
  expect_position(end, (Position){origin.offset + the->text.len, line_of(the, the->text.len)});
  bool open =
      the->text.len > 0 && the->text.bytes[the->text.len - 1] != dialect_line_end(&the->dialect);
  fuzz_check(lines_total(&batch->lines) == end.line - origin.line + open, "lines are not counted");
}

static void read_whole(const Case *the, Reader *const *readers) {
  const char *bytes = the->text.bytes;
  size_t len = the->text.len;
  Position end = origin, fast_end = origin;
  size_t used = reader_read(readers[BY_LIBCSV], bytes, len, true, 0, &end, &expected);
  fuzz_check(used == len, "not all was consumed");
  check_batch(the, &expected, end);
  used = reader_read(readers[FAST], bytes, len, true, 0, &fast_end, &got);
  fuzz_check(used == len, "the quick way did not consume all");
  expect_position(end, fast_end);
  fuzz_check(got.record_count == expected.record_count, "the quick way lost records");
  expect_records(&expected, 0, &got);
}

static void read_generally(const Case *the, Reader *reader, bool final, const Batch *all) {
  Position end = origin;
  size_t used = reader_read(reader, the->text.bytes, the->text.len, final, 0, &end, &got);
  fuzz_check(!final || used == the->text.len, "the general tokeniser did not consume all");
  fuzz_check(got.record_count == all->record_count, "the general tokeniser lost records");
  expect_records(all, 0, &got);
}

static void read_without_end(const Case *the, Reader *const *readers) {
  Position end = origin, fast_end = origin;
  size_t used = reader_read(readers[BY_LIBCSV], the->text.bytes, the->text.len, false, 0, &end,
                            &short_expected);
  size_t fast_used =
      reader_read(readers[FAST], the->text.bytes, the->text.len, false, 0, &fast_end, &got);
  fuzz_check(used == fast_used, "the quick way consumed more or less");
  expect_position(end, fast_end);
  fuzz_check(got.record_count == short_expected.record_count, "the quick way lost records");
  expect_records(&short_expected, 0, &got);
  expect_records(&expected, 0, &got);
  read_generally(the, readers[GENERAL], false, &short_expected);
}

static void read_few_at_a_time(const Case *the, Reader *reader) {
  Position position = origin;
  size_t count = 0;
  Lines lines = {0};
  for (size_t at = 0; at < the->text.len;) {
    size_t used = reader_read(reader, the->text.bytes + at, the->text.len - at, true, the->limit,
                              &position, &got);
    fuzz_check(used > 0 && used <= the->text.len - at, "no way forward");
    fuzz_check(got.record_count <= the->limit, "more records than asked for");
    expect_records(&expected, count, &got);
    count += got.record_count;
    lines_add(&lines, &got.lines);
    at += used;
  }
  fuzz_check(memcmp(&lines.count, &expected.lines.count, sizeof lines.count) == 0,
             "a few at a time have other lines");
  fuzz_check(count == expected.record_count, "a few at a time are not all");
}

static void read_pieces(const Case *the, Reader *first, Reader *second) {
  char *piece = fuzz_copy(the->text.bytes, the->cut);
  Position position = origin;
  size_t used = reader_read(first, piece, the->cut, false, 0, &position, &got);
  fuzz_check(used <= the->cut, "more was consumed than there was");
  expect_records(&expected, 0, &got);
  free(piece);
  size_t count = got.record_count;
  size_t rest =
      reader_read(second, the->text.bytes + used, the->text.len - used, true, 0, &position, &got);
  fuzz_check(used + rest == the->text.len, "two pieces are not all");
  expect_records(&expected, count, &got);
  fuzz_check(count + got.record_count == expected.record_count, "two pieces lost records");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  FuzzInput input = {data, size};
  Case the = make_case(&input);
  Dialect by_libcsv = the.dialect;
  by_libcsv.libcsv_only = true;
  Dialect general = the.dialect;
  general.general_only = true;
  Reader *readers[READERS] = {reader_new(&the.dialect), reader_new(&by_libcsv),
                              reader_new(&general)};
  read_whole(&the, readers);
  read_generally(&the, readers[GENERAL], true, &expected);
  read_without_end(&the, readers);
  read_few_at_a_time(&the, readers[the.second_by_libcsv]);
  read_pieces(&the, readers[the.first_by_libcsv], readers[the.second_by_libcsv]);
  for (int i = 0; i < READERS; i++)
    reader_free(readers[i]);
  free((char *)the.text.bytes);
  return 0;
}
