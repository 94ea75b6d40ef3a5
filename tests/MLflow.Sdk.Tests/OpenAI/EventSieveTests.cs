using System.Text;
using CsCheck;
using MLflow.EndToEnd.Tests.Recordings;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

/// <summary>Of a stream of which only the figures are wanted, what is kept tells the same as all of it, in whatever pieces it comes.</summary>
public sealed class EventSieveTests : CaptureTestBase
{
    private const string Chat = "/v1/chat/completions";

    [Fact]
    public void Recordings_InAnyPieces_TellTheSameFigures()
    {
        var recordings = Recording.LoadAll();
        Assert.SkipWhen(recordings is null, "The recordings (../shared/recordings) are not here.");
        var streams = recordings!.Where(recording => recording is { IsEventStream: true, Status: < 400, Method: "POST" }).ToList();
        var (all, left) = (0L, 0L);
        foreach (var recording in streams)
        {
            var recorder = (ApiCatalog.Find("POST", recording.Url.AbsolutePath) ?? ApiCatalog.ByShape).Recorder;
            var expected = Figures(recorder, recording.ResponseBody);
            foreach (var piece in (int[])[1, 7, 256, int.MaxValue])
            {
                var kept = Sieve(recording.ResponseBody, piece);
                Assert.True(expected == Figures(recorder, kept), $"{recording.Id} by {piece}: {expected}, and of what was kept {Figures(recorder, kept)}");
                all += recording.ResponseBody.Length;
                left += kept.Length;
            }
        }

        Assert.NotEmpty(streams);
        Assert.InRange(left, 1, all / 2);
    }

    [Fact]
    public void Recordings_CutAnywhere_TellTheSameFigures()
    {
        var recordings = Recording.LoadAll();
        Assert.SkipWhen(recordings is null, "The recordings (../shared/recordings) are not here.");
        foreach (var recording in recordings!.Where(recording => recording is { IsEventStream: true, Status: < 400, Method: "POST" }))
        {
            var recorder = (ApiCatalog.Find("POST", recording.Url.AbsolutePath) ?? ApiCatalog.ByShape).Recorder;
            for (var length = 0; length < recording.ResponseBody.Length; length += Math.Max(recording.ResponseBody.Length / 50, 1))
            {
                var cut = recording.ResponseBody[..length];
                Assert.Equal((recording.Id, length, Figures(recorder, cut)), (recording.Id, length, Figures(recorder, Sieve(cut, 64))));
            }
        }
    }

    [Fact]
    public void Usage_WithEachPiece_IsKeptOnce()
    {
        var body = new StringBuilder();
        for (var i = 1; i <= 1000; i++)
        {
            body.Append($$$"""data: {"model":"m","choices":[{"index":0,"delta":{"content":"\"usage\":{"},"finish_reason":null}],"usage":{"prompt_tokens":9,"completion_tokens":{{{i}}}}}""").Append("\r\n\r\n");
        }

        var kept = Sieve(Encoding.UTF8.GetBytes(body.ToString()), 100);

        Assert.InRange(kept.Length, 1, 300);
        Assert.Contains("1000", Figures(ApiCatalog.Find("POST", Chat)!.Recorder, kept), StringComparison.Ordinal);
    }

    [Fact]
    public void Usage_BeforeTheLastPieces_IsNotOlderThanTheirs()
    {
        var body = Encoding.UTF8.GetBytes("""
            data: {"choices":[{"index":0,"delta":{"content":"a"}}],"usage":{"prompt_tokens":9,"completion_tokens":1}}

            data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2}}

            data: {"choices":[{"index":0,"delta":{"content":""},"finish_reason":""}],"usage":null}

            data: [DONE]


            """);

        var recorder = ApiCatalog.Find("POST", Chat)!.Recorder;
        Assert.Equal(Figures(recorder, body), Figures(recorder, Sieve(body, 3)));
        Assert.Contains("OutputTokens = 2", Figures(recorder, Sieve(body, 3)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("event:error\ndata: {\"message\":\"no\"}\n\n")]
    [InlineData("data: {\"type\":\"error\",\"code\":\"c\",\"message\":\"no\"}\n\n")]
    [InlineData("data: {\"error\" : {\"message\":\"no\"}}\n\n")]
    public void Error_InAnyForm_IsKept(string error) =>
        Assert.Equal(error, Encoding.UTF8.GetString(Sieve(Encoding.UTF8.GetBytes("data: {\"delta\":\"a\",\"error\":null}\n\n" + error + "data: {\"delta\":\"b\"}\n\n"), 5)));

    [Fact]
    public void Event_TooLongToBeHeld_IsKeptWholeWithTheNextOnesApart() => Gen.Select(Gen.Int[1, 40_000], Gen.Int[1, 9000]).Sample(
        (length, piece) =>
        {
            var body = Encoding.UTF8.GetBytes($"data: {{\"choices\":[],\"x\":\"{new string('x', length)}\"}}\n\ndata: {{\"choices\":[],\"usage\":{{\"prompt_tokens\":7,\"completion_tokens\":3}}}}\n\n");

            var kept = Sieve(body, piece);

            var recorder = ApiCatalog.Find("POST", Chat)!.Recorder;
            Assert.Equal(Figures(recorder, body), Figures(recorder, kept));
            Assert.Contains("InputTokens = 7", Figures(recorder, kept), StringComparison.Ordinal);
        },
        iter: 200);

    [Fact]
    public void Capture_WithASieve_IsNotCutByWhatItLeavesOut()
    {
        var budget = new CaptureBudget();
        var capture = new BodyCapture(budget, 1 << 20, keepsMarks: false, new EventSieve());
        var piece = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"u8.ToArray();
        for (var i = 0; i < 100_000; i++)
        {
            capture.Append(piece, i + 1);
        }

        Assert.Equal((0L, false, 100_000L * piece.Length), (budget.Held, capture.IsCut, capture.TotalBytes));
        capture.Append("data: [DO"u8, 1);
        capture.Append("NE]"u8, 2);
        using var body = capture.Take();
        Assert.Equal("data: [DONE]", Encoding.UTF8.GetString(body.Bytes));
        Assert.False(capture.IsCut);
    }

    private static byte[] Sieve(byte[] body, int piece)
    {
        var sieve = new EventSieve();
        var kept = new List<byte>();
        for (var at = 0; at < body.Length; at += Math.Min(piece, body.Length - at))
        {
            kept.AddRange(sieve.Pass(body.AsSpan(at, Math.Min(piece, body.Length - at))));
        }

        kept.AddRange(sieve.End());
        return [.. kept];
    }

    /// <summary>What a call is counted by.</summary>
    private static string Figures(IRecorder recorder, byte[] body)
    {
        var fields = new RecordedFields();
        recorder.RecordStream(body, [], fields);
        var paid = fields.Usage is null ? "" : $"{fields.ResponseModel} {fields.ServiceTier}";
        return $"{fields.Usage} {Text(fields.UsageBuckets)} {Text(fields.ReportedUsage)} {paid} {fields.Error} {fields.SawDone}";

        static string Text(byte[]? json) => json is null ? "" : Encoding.UTF8.GetString(json);
    }
}
