using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CsCheck;
using MLflow.EndToEnd.Tests.Recordings;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

public sealed partial class MultipartTests
{
    private const string ContentType = "multipart/form-data; boundary=\"b=1\"";

    [Fact]
    public void Form_Fields_BecomeJson()
    {
        var fields = Read(Form(
            Field("model", "whisper-1"),
            Field("timestamp_granularities[]", "word"),
            Field("timestamp_granularities[]", "segment"),
            Field("include[]", "logprobs"),
            Field("tag", "a"),
            Field("tag", "b"),
            Field("expires_after[anchor]", "created_at"),
            Field("expires_after[seconds]", "3600"),
            Field("prompt", "say \"東京\"\r\n--b"),
            Field("session", """{"type":"realtime"}""", "Content-Type: application/json"),
            Field("empty", ""),
            File("file", "a.wav", "audio/wav", [1, 2, 3])));

        AssertInputs(
            $$$"""{"model":"whisper-1","timestamp_granularities":["word","segment"],"include":["logprobs"],"tag":["a","b"],"expires_after":{"anchor":"created_at","seconds":"3600"},"prompt":"say \"東京\"\r\n--b","session":{"type":"realtime"},"empty":"","file":{"filename":"a.wav","content_type":"audio/wav","size_bytes":3,"sha256":"{{{Hash([1, 2, 3])}}}","data":"AQID"}}""",
            fields);
        Assert.Equal("whisper-1", fields.RequestModel);
        Assert.Contains(fields.Attributes, a => a.Key == "timestamp_granularities");
        Assert.DoesNotContain(fields.Attributes, a => a.Key == "file");
    }

    [Fact]
    public void Form_SeveralFiles_AreAnArray()
    {
        var fields = Read(Form(File("image[]", "a.png", "image/png", [0]), File("image[]", "b.png", "image/png", [1]), Field("prompt", "x")));

        var images = JsonNode.Parse(fields.Inputs.Json)!["image"]!.AsArray();
        Assert.Equal(["a.png", "b.png"], images.Select(image => (string?)image!["filename"]));
        Assert.DoesNotContain(fields.Attributes, a => a.Key == "image");
    }

    [Fact]
    public void Form_TextFile_IsKeptAsText()
    {
        var fields = Read(Form(Field("purpose", "batch"), File("file", "in.jsonl", "application/octet-stream", Encoding.UTF8.GetBytes("{\"a\":1}\n{\"b\":\"é\"}\n"))));

        Assert.Equal("{\"a\":1}\n{\"b\":\"é\"}\n", (string?)JsonNode.Parse(fields.Inputs.Json)!["file"]!["text"]);
    }

    [Fact]
    public void Filter_FieldsBehindALargeFile_AreKept()
    {
        var file = Bytes(300_000);
        var form = Form(Field("a", "1"), File("file", "x.bin", "application/octet-stream", file), Field("model", "whisper-1"), File("f2", "y", "audio/mpeg", [9]));
        foreach (var size in (int[])[1, 7, 61, 4096, form.Length])
        {
            var (kept, files, isCut) = Capture(form, size, maxBytes: 64 << 10);

            Assert.False(isCut);
            Assert.InRange(kept.Length, 20_000, 21_000);
            Assert.Equal([new FilePart(file.Length, Hash(file)), new FilePart(1, Hash([9]))], files);
            var fields = Read(kept, files, trims: true);
            Assert.Equal("whisper-1", fields.RequestModel);
            var recorded = JsonNode.Parse(fields.Inputs.Json)!["file"]!;
            Assert.Equal(file.Length, (int?)recorded["size_bytes"]);
            Assert.Equal(Hash(file), (string?)recorded["sha256"]);
            Assert.Equal(file[..3072], Convert.FromBase64String((string)recorded["data"]!));
            Assert.Equal(new TrimmedMedia("inputs.file.data", "application/octet-stream", file.Length, Hash(file)), Assert.Single(fields.Media));
        }
    }

    [Fact]
    public void Filter_SmallForm_KeepsEveryByte()
    {
        var form = Form(Field("a", "1"), File("file", "x.bin", "audio/wav", Bytes(500)), Field("empty", ""), Field("b", "2"));

        var (kept, files, isCut) = Capture(form, 33, maxBytes: 64 << 10);

        Assert.False(isCut);
        Assert.Equal("\r\n"u8.ToArray().Concat(form), kept);
        AssertInputs(Encoding.UTF8.GetString(Read(form).Inputs.Json), Read(kept, files));
    }

    [Fact]
    public void Filter_FormThatEndsInAFile_HasNoHash()
    {
        var form = Form(Field("a", "1"), File("file", "x.bin", "audio/wav", Bytes(50_000)));

        var (kept, files, _) = Capture(form[..40_000], 1000, maxBytes: 64 << 10);
        var recorded = JsonNode.Parse(Read(kept, files).Inputs.Json)!["file"]!;

        Assert.Empty(files);
        Assert.Null(recorded["sha256"]);
        Assert.Equal("x.bin", (string?)recorded["filename"]);
    }

    [Fact]
    public void Filter_FilesBeyondTheLimit_HaveASizeAndNoHash()
    {
        var first = Bytes(MultipartFilter.MaxHashedBytes - 10);
        var form = Form(File("a", "a.bin", "audio/wav", first), File("b", "b.bin", "audio/wav", Bytes(11)), Field("model", "whisper-1"), File("c", "c.bin", "audio/wav", []));

        var (kept, files, _) = Capture(form, 81_920, maxBytes: 1 << 20);

        Assert.Equal([new FilePart(first.Length, Hash(first)), new FilePart(11, null), new FilePart(0, null)], files);
        var fields = Read(kept, files, trims: true);
        Assert.Equal("whisper-1", fields.RequestModel);
        var recorded = JsonNode.Parse(fields.Inputs.Json)!["b"]!.AsObject();
        Assert.Equal(11, (int?)recorded["size_bytes"]);
        Assert.False(recorded.ContainsKey("sha256"));
    }

    [Fact]
    public void Form_AnyBytes_DoesNotThrow()
    {
        string[] pieces = ["--b=1", "\r\n", "\r\n\r\n", "--", "Content-Disposition: form-data; name=\"a[\"", "Content-Disposition: form-data; name=\"x[]\"; filename=\"", "name=", "\"", "\\", "[", "]", "a[b]c", "é", "\0"];
        Gen.Int[0, pieces.Length - 1].Array[0, 14].Select(picks => string.Concat(picks.Select(pick => pieces[pick]))).Sample(text =>
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            var (kept, files, _) = Capture(bytes, 3, maxBytes: 1024);
            Read(kept, files);
            Read(bytes);
        });
    }

    [Theory]
    [InlineData("audio.transcriptions")]
    [InlineData("audio.translations")]
    [InlineData("images.variations")]
    [InlineData("files")]
    [InlineData("assistants")]
    [InlineData("other")]
    public void Form_EveryRecordedOne_GivesItsFieldsAndFiles(string api)
    {
        var recordings = Recording.LoadAll(api);
        Assert.SkipWhen(recordings is null, "The recordings (../shared/recordings) are not here.");
        foreach (var recording in recordings!.Where(r => r.RequestBody is not null && r.RequestContentType?.StartsWith("multipart/", StringComparison.Ordinal) == true))
        {
            var fields = Read(recording.RequestBody!, contentType: recording.RequestContentType);

            var inputs = JsonNode.Parse(fields.Inputs.Json)!.AsObject();
            var names = Names().Matches(Encoding.Latin1.GetString(recording.RequestBody!)).Select(match => match.Groups["name"].Value).Distinct();
            Assert.Equal(names, inputs.Select(field => field.Key));
            Assert.Contains("\"sha256\":", inputs.ToJsonString(), StringComparison.Ordinal);
        }
    }

    [GeneratedRegex("""Content-Disposition: form-data; name="?(?<name>\w+)""", RegexOptions.IgnoreCase)]
    private static partial Regex Names();

    private static (byte[] Kept, IReadOnlyList<FilePart> Files, bool IsCut) Capture(byte[] form, int size, int maxBytes)
    {
        var capture = new BodyCapture(new CaptureBudget(long.MaxValue), maxBytes, keepsMarks: false, new MultipartFilter("b=1", 20_000));
        foreach (var piece in form.Chunk(size))
        {
            capture.Append(piece, 1);
        }

        Assert.Equal(form.Length, capture.TotalBytes);
        var isCut = capture.IsCut;
        using var body = capture.Take();
        return (body.Bytes.ToArray(), capture.Files, isCut);
    }

    private static RecordedFields Read(byte[] form, IReadOnlyList<FilePart>? files = null, bool trims = false, string? contentType = ContentType)
    {
        var fields = new RecordedFields { Limits = new StreamLimits(10, 1024, trims) };
        BodyFormRecorder.Instance.RecordRequest(new RecordedBody(form, contentType) { Files = files ?? [] }, fields);
        return fields;
    }

    private static void AssertInputs(string expected, RecordedFields fields)
    {
        var actual = Encoding.UTF8.GetString(fields.Inputs.Json);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), JsonNode.Parse(actual)), $"expected {expected}\nactual   {actual}");
    }

    private static byte[] Form(params byte[][] parts) => [.. parts.SelectMany(part => (byte[])[.. "--b=1\r\n"u8, .. part, .. "\r\n"u8]), .. "--b=1--\r\n"u8];

    private static byte[] Field(string name, string value, string? header = null) =>
        Encoding.UTF8.GetBytes($"Content-Disposition: form-data; name=\"{name}\"\r\n{(header is null ? "" : header + "\r\n")}\r\n{value}");

    private static byte[] File(string name, string filename, string contentType, byte[] content) =>
        [.. Encoding.UTF8.GetBytes($"Content-Type: {contentType}\r\nContent-Disposition: form-data; name={name}; filename=\"{filename}\"\r\n\r\n"), .. content];

    private static byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        new Random(7).NextBytes(bytes);
        return bytes;
    }

    private static string Hash(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
