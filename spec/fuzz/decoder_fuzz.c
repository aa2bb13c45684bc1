// Decoder: UTF-16 can be converted back whatever it holds, in whatever pieces it comes, and text of
// any encoding gives UTF-8 or a reject.
//
// Three bytes choose the encoding, the options and a cut; the rest is the text.
#include "csv/decode.h"
#include "csv/scan.h"
#include "csv/transcode.h"
#include "csv_check.h"
#include "fuzz.h"

static const char *const names[] = {"utf-16le", "utf-16be",  "utf-8",   "windows-1252",
                                    "euc-jp",   "shift_jis", "gb18030", "iso-2022-jp",
                                    "utf-7",    "utf-32le",  "ibm037",  "ascii"};

enum { NAMES = sizeof names / sizeof *names };

static Buffer whole, pieces, back;
static Batch batch;

static Dialect make_dialect(uint8_t which, uint8_t options) {
  Dialect dialect = dialect_default();
  Error error;
  snprintf(dialect.text.encoding, ENCODING_NAME, "%s", names[which % NAMES]);
  dialect.text.fallback = options & 1;
  dialect.text.strip_nul = options & 2;
  dialect.columns = options >> 2 & 3;
  fuzz_check(encoding_resolve(&dialect.text, ",\"\r\n", 4, &error), "an encoding is refused");
  return dialect;
}

static bool same_bytes(const Buffer *a, const char *bytes, size_t len) {
  return a->len == len && (len == 0 || memcmp(a->data, bytes, len) == 0);
}

static void check_stream(const TextOptions *text, const char *bytes, size_t len, size_t cut) {
  Transcoder *once = transcoder_new(text), *twice = transcoder_new(text);
  buffer_clear(&whole);
  buffer_clear(&pieces);
  transcoder_put(once, bytes, len, true, &whole);
  transcoder_put(twice, bytes, cut, false, &pieces);
  transcoder_put(twice, bytes + cut, len - cut, false, &pieces);
  transcoder_put(twice, bytes, 0, true, &pieces);
  transcoder_free(once);
  transcoder_free(twice);
  if (text->kind == ENCODING_STREAM)
    return;
  fuzz_check(same_bytes(&whole, pieces.data, pieces.len), "two pieces give another text");
  fuzz_check(transcode_length_in_file(ENCODING_UTF16LE, whole.data, whole.len) == len,
             "another length");
  buffer_clear(&back);
  transcode_to_utf16(text->kind, whole.data, whole.len, &back);
  fuzz_check(same_bytes(&back, bytes, len), "other bytes come back");
}

static void check_fields(const Dialect *dialect, const char *bytes, size_t len) {
  Reader *reader = reader_new(dialect);
  Position position = {0, 1};
  fuzz_check(reader_read(reader, bytes, len, true, 0, &position, &batch) == len, "not all is read");
  for (size_t i = 0; i < batch.record_count; i++) {
    const Record *record = &batch.records[i];
    char reason[128];
    record_error_text(record, dialect, reason, sizeof reason);
    for (uint32_t j = 0; record->error == RECORD_OK && j < record->field_count; j++) {
      const Field *field = &batch.fields[record->field_start + j];
      fuzz_check(scan_is_utf8(field->data, field->len), "a field is no UTF-8");
      fuzz_check(field->len == 0 || !memchr(field->data, 0, field->len), "a field has a NUL");
    }
  }
  reader_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  FuzzInput input = {data, size};
  uint8_t which = fuzz_byte(&input), options = fuzz_byte(&input), cut = fuzz_byte(&input);
  Dialect dialect = make_dialect(which, options);
  char *text = fuzz_copy(input.at, input.left);
  bool fields = dialect.text.kind == ENCODING_UTF8 || dialect.text.kind == ENCODING_FIELDS;
  if (!fields)
    check_stream(&dialect.text, text, input.left, input.left * cut / UINT8_MAX);
  if (fields)
    check_fields(&dialect, text, input.left);
  else
    check_fields(&dialect, whole.len ? whole.data : "", whole.len);
  free(text);
  return 0;
}
