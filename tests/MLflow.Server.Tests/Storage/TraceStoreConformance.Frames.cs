using System.Globalization;
using MLflow.Server.Traces;
using Xunit;
using static MLflow.Server.Tests.Storage.SomeTrace;

namespace MLflow.Server.Tests.Storage;

/// <content>Spans that came together and share their content, one of which is replaced or read alone afterwards.</content>
public abstract partial class TraceStoreConformance
{
    private const int Turns = 12;

    public static TheoryData<int> Replaced => new(Enumerable.Range(1, Turns));

    [Theory]
    [MemberData(nameof(Replaced))]
    public async Task Write_OneOfAConversationAgain_LeavesTheOthersAsTheyAre(int replaced)
    {
        var id = NewOtelId();
        var spans = Conversation(id);
        await Store.WriteAsync(Batch(spans), Cancellation);
        await AssertStoredAsync(id, spans);

        // An older report, which changes nothing, then a newer one.
        await Store.WriteAsync(Batch(spans[replaced - 1] with { EndNs = null, Attributes = [new("late", "1")] }), Cancellation);
        await AssertStoredAsync(id, spans);
        spans[replaced - 1] = spans[replaced - 1] with { Attributes = [new("again", "\"" + new string('x', 700) + "\"")] };
        await Store.WriteAsync(Batch(spans[replaced - 1]), Cancellation);
        await AssertStoredAsync(id, spans);

        // Some of them with others that are new.
        var more = Conversation(id, Turns);
        await Store.WriteAsync(Batch([.. spans[..3].Select(span => span with { Attributes = [new("third", "3")] }), .. more]), Cancellation);
        await AssertStoredAsync(id, [.. spans[..3].Select(span => span with { Attributes = [new("third", "3")] }), .. spans[3..], .. more]);
        Assert.Equal(Turns * 2, (await InfoAsync(id)).Facts.SpanCount);
    }

    [Fact]
    public async Task Write_ConversationAgainAndAgain_EndsTheSame()
    {
        var id = NewOtelId();
        var spans = Conversation(id);
        await Store.WriteAsync(Batch(spans), Cancellation);
        foreach (var part in (Range[])[Range.All, 0..4, 2..9, 0..1, ^3.., Range.All])
        {
            await Store.WriteAsync(Batch(spans[part]), Cancellation);
            await AssertStoredAsync(id, spans);
        }
    }

    [Fact]
    public async Task Write_RunningAndHugeSpansAmongOthers_AreAllThere()
    {
        var id = NewOtelId();
        var spans = Conversation(id);
        spans[2] = spans[2] with { EndNs = null };
        spans[5] = spans[5] with { Attributes = [new("huge", "\"" + string.Concat(Enumerable.Range(0, 60_000).Select(i => i.ToString(CultureInfo.InvariantCulture))) + "\"")] };
        spans[7] = spans[7] with { Attributes = [] };

        await Store.WriteAsync(Batch(spans), Cancellation);

        await AssertStoredAsync(id, spans);
        spans[2] = spans[2] with { EndNs = spans[3].EndNs };
        await Store.WriteAsync(Batch(spans[2]), Cancellation);
        await AssertStoredAsync(id, spans);
    }

    [Fact]
    public async Task Search_WordOfEachTurn_FindsTheConversation()
    {
        var id = NewOtelId();
        await Store.WriteAsync(Batch(Conversation(id)), Cancellation);

        for (var turn = 1; turn <= Turns; turn++)
        {
            var found = await Store.SearchAsync(new TraceQuery { ExperimentIds = [0], Filter = $"span.attributes.only LIKE '%turn {turn} of {id}%'" }, Cancellation);
            Assert.Equal(["tr-" + id], found.Traces.Select(trace => trace.TraceId));
        }
    }

    private async Task AssertStoredAsync(string id, SpanRecord[] spans)
    {
        var stored = (await Store.GetSpansAsync("tr-" + id, Cancellation)).ToDictionary(span => span.SpanId);
        Assert.Equal(spans.Length, stored.Count);
        Assert.All(spans, span => Assert.Equal(span.Attributes, stored[span.SpanId].Attributes));
    }

    /// <summary>Each turn has all turns before it.</summary>
    private static SpanRecord[] Conversation(string id, int after = 0)
    {
        var messages = "";
        return [.. Enumerable.Range(after + 1, Turns).Select(turn =>
        {
            messages += $"{(messages.Length == 0 ? "" : ",")}{{\"role\": \"user\", \"content\": \"turn {turn} of {id}, in which much is said that is said again in every turn after it\"}}";
            return Span(id, turn, parent: turn == 1 ? null : 1, startMs: turn, attributes: [("mlflow.spanInputs", $"[{messages}]"), ("only", $"\"turn {turn} of {id}.\"")]);
        })];
    }
}
