using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

public sealed class MediaTrimmerTests
{
    private static readonly byte[] Picture = [0x89, (byte)'P', (byte)'N', (byte)'G', .. Enumerable.Range(0, 60_000).Select(i => (byte)(i * 7))];

    private static string Base64 => Convert.ToBase64String(Picture);

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"text","text":"x"},{"type":"image_url","image_url":{"url":"data:image/webp;base64,#"}}]}]}""", "messages[0].content[1].image_url.url", "image/webp")]
    [InlineData("""{"messages":[{"content":[{"type":"input_audio","input_audio":{"data":"#","format":"wav"}}]}]}""", "messages[0].content[0].input_audio.data", "image/png")]
    [InlineData("""{"created":1,"data":[{"b64_json":"AAAA"},{"b64_json":"#"}],"usage":{"n":1}}""", "data[1].b64_json", "image/png")]
    [InlineData("""{"output":[{"type":"image_generation_call","result":"#"}]}""", "output[0].result", "image/png")]
    [InlineData("""{"input":[{"content":[{"type":"input_file","file_data":"data:application/pdf;base64,#"}]}]}""", "input[0].content[0].file_data", "application/pdf")]
    [InlineData("""{"choices":[{"message":{"audio":{"data":"#","transcript":"hi"}}}]}""", "choices[0].message.audio.data", "image/png")]
    [InlineData("""{"images":["#"]}""", "images[0]", "image/png")]
    [InlineData("""[[{"a":[]},{"data":"#"}]]""", "[0][1].data", "image/png")]
    [InlineData("""{"x":"data:;base64,#"}""", "x", "image/png")]
    public void Trim_LargeBase64_KeepsItsBeginning(string template, string path, string contentType)
    {
        var whole = template.Replace("#", Base64, StringComparison.Ordinal);
        var media = new List<TrimmedMedia>();

        var trimmed = Encoding.UTF8.GetString(MediaTrimmer.Trim(Encoding.UTF8.GetBytes(whole), "", media));

        Assert.Equal(template.Replace("#", Base64[..MediaTrimmer.KeptTextBytes], StringComparison.Ordinal), trimmed);
        Assert.Equal(Picture[..(MediaTrimmer.KeptTextBytes / 4 * 3)], Convert.FromBase64String(Base64[..MediaTrimmer.KeptTextBytes]));
        var entry = Assert.Single(media);
        Assert.Equal(new TrimmedMedia(path, contentType, Picture.Length, Convert.ToHexStringLower(SHA256.HashData(Picture))), entry with { Path = entry.Path.TrimStart('.') });
    }

    [Theory]
    [InlineData("""{"content":"#"}""")]
    [InlineData("""{"data":"no base64 at all, but long: #"}""")]
    [InlineData("""{"data":"#=A"}""")]
    [InlineData("""{"url":"data:image/svg+xml,<svg>#</svg>"}""")]
    [InlineData("""{"b64_json":"AAAA","x":[1,2,3]}""")]
    [InlineData("\"#\"")]
    public void Trim_OtherText_StaysAsItIs(string template)
    {
        var whole = Encoding.UTF8.GetBytes(template.Replace("#", Base64, StringComparison.Ordinal));
        var media = new List<TrimmedMedia>();

        Assert.True(MediaTrimmer.Trim(whole, "", media).SequenceEqual(whole));
        Assert.Empty(media);
    }

    [Theory]
    [InlineData("\\/", "/")]
    [InlineData("\\r\\n", "")]
    [InlineData("\\n", "")]
    public void Trim_EscapedBase64_IsDecodedAsTheServerMeantIt(string escape, string meant)
    {
        var begin = Base64[..4000].Replace("/", "A", StringComparison.Ordinal);
        var end = Base64[4004..].Replace("/", "B", StringComparison.Ordinal);
        var middle = meant.Length == 0 ? "AAAA" : "AAA";
        var media = new List<TrimmedMedia>();

        var trimmed = MediaTrimmer.Trim(Encoding.UTF8.GetBytes($$"""{"data":"{{begin}}{{escape}}{{middle}}{{end}}"}"""), "outputs", media);

        var bytes = Convert.FromBase64String(begin + meant + middle + end);
        Assert.Equal(new TrimmedMedia("outputs.data", "image/png", bytes.Length, Convert.ToHexStringLower(SHA256.HashData(bytes))), Assert.Single(media));
        Assert.Equal((begin + meant + middle + end)[..MediaTrimmer.KeptTextBytes], (string?)JsonNode.Parse(trimmed)!["data"]);
    }

    [Fact]
    public void Trim_LongVectors_KeepsTheFirstNumbers()
    {
        var vector = "[" + string.Join(", ", Enumerable.Range(0, 1536).Select(i => $"-0.{i}e-3")) + "]";
        var media = new List<TrimmedMedia>();

        var trimmed = MediaTrimmer.Trim(
            Encoding.UTF8.GetBytes($$$"""{"data":[{"embedding":[1,2,3],"index":0},{"embedding":{{{vector}}},"index":1}],"usage":{}}"""), "outputs", media);

        Assert.Equal(
            """{"data":[{"embedding":[1,2,3],"index":0},{"embedding":[-0.0e-3, -0.1e-3, -0.2e-3, -0.3e-3, -0.4e-3, -0.5e-3, -0.6e-3, -0.7e-3],"index":1}],"usage":{}}""",
            Encoding.UTF8.GetString(trimmed));
        Assert.Equal(
            new TrimmedMedia("outputs.data[1].embedding", null, vector.Length, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(vector))), 1536),
            Assert.Single(media));
    }

    [Fact]
    public void Trim_BodyCutInItsLargestValue_KeepsABeginning()
    {
        var fields = new RecordedFields
        {
            Inputs = AttributeValue.FromString("""{"model":"m","messages":[{"content":[{"image_url":{"url":"data:image/png;base64,""" + Base64),
        };

        MediaTrimmer.Trim(fields);

        Assert.InRange(fields.Inputs.String.Length, MediaTrimmer.KeptTextBytes, MediaTrimmer.KeptTextBytes + 200);
        Assert.StartsWith("""{"model":"m","messages":[{"content":[{"image_url":{"url":"data:image/png;base64,iVBOR""", fields.Inputs.String, StringComparison.Ordinal);
        Assert.Equal(new TrimmedMedia("inputs.messages[0].content[0].image_url.url", "image/png", null, null), Assert.Single(fields.Media));
    }

    [Fact]
    public void Trim_Parameters_AreShortenedAndListedOnce()
    {
        var fields = new RecordedFields { Inputs = AttributeValue.FromJson(Encoding.UTF8.GetBytes($$"""{"image":"data:image/png;base64,{{Base64}}"}""")) };
        fields.Attributes.Add(new("image", AttributeValue.FromString("data:image/png;base64," + Base64)));
        fields.Attributes.Add(new("model", AttributeValue.FromString("m")));

        MediaTrimmer.Trim(fields);

        Assert.Equal("inputs.image", Assert.Single(fields.Media).Path);
        Assert.Equal(MediaTrimmer.KeptTextBytes + "data:image/png;base64,".Length, fields.Attributes[0].Value.String.Length);
        Assert.Equal("m", fields.Attributes[1].Value.String);
    }

    [Fact]
    public void Describe_Entries_SaysWhatIsKnown()
    {
        var described = JsonNode.Parse(MediaTrimmer.Describe([new("a.b", "image/png", 7, "ff"), new("c", null, null, null, 1536)]));

        Assert.True(JsonNode.DeepEquals(
            JsonNode.Parse("""[{"path":"a.b","content_type":"image/png","size_bytes":7,"sha256":"ff"},{"path":"c","dimensions":1536}]"""), described));
    }

    [Fact]
    public void Trim_AnyBytes_DoesNotThrow()
    {
        string[] pieces = ["{", "}", "[", "]", ",", ":", "\"", "\"data\":\"", "\"embedding\":[", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", "null", "data:image/png;base64,", Base64, "\\ud800", "\u00e9"];
        Gen.Int[0, pieces.Length - 1].Array[0, 12].Select(picks => string.Concat(picks.Select(pick => pieces[pick]))).Sample(text =>
        {
            var fields = new RecordedFields { Inputs = AttributeValue.FromString(text), Outputs = AttributeValue.FromJson(Encoding.UTF8.GetBytes(text)) };
            MediaTrimmer.Trim(fields);
            Assert.InRange(fields.Outputs.Json.Length, 0, Encoding.UTF8.GetByteCount(text));
        });
    }
}
