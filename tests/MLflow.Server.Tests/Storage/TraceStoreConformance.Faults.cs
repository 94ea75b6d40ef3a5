using MLflow.Server.Traces;
using Xunit;
using static MLflow.Server.Tests.Storage.SomeTrace;

namespace MLflow.Server.Tests.Storage;

/// <content>
/// The database fails between any two of its writes. Triggers in it count them and fail at one, so that nothing in the server knows of it.
/// </content>
public abstract partial class TraceStoreConformance
{
    /// <summary>More writes than any of the tests makes.</summary>
    private const int ManyWrites = 500;

    /// <summary>What a failing write ends: its <c>statement</c> alone, or the whole <c>transaction</c> with it.</summary>
    private protected virtual IReadOnlyList<string> Failures => ["statement"];

    /// <summary>Makes the write after as many others fail, in one of the ways of <see cref="Failures"/>; null lets all pass.</summary>
    private protected abstract Task FailAtAsync(int? write, string failure);

    /// <summary>All rows of all tables, in no order, but for what the failures themselves keep, and for what says that an index is to be made anew, which a repetition says again.</summary>
    private protected abstract Task<IReadOnlyList<string>> DumpAsync();

    [Fact]
    public async Task Write_FailsBetweenAnyTwoWrites_LeavesAllOrNothing()
    {
        foreach (var failure in Failures)
        {
            await FailWritesAsync(failure);
        }
    }

    [Fact]
    public async Task Delete_FailsBetweenAnyTwoWrites_LeavesAllOrNothing()
    {
        foreach (var failure in Failures)
        {
            await FailDeletionsAsync(failure);
        }
    }

    private async Task FailWritesAsync(string failure)
    {
        var (known, added, refused) = (NewOtelId(), NewOtelId(), NewOtelId());
        await Store.WriteAsync(Batch([.. Conversation(known)[..4]]), Cancellation);
        await Store.WriteLogsAsync([new SpanLogRecord(added, SpanId(2), new SpanEventRecord("exception", 5, [new("exception.message", "\"late\"")]))], Cancellation);
        var batch = new TraceBatch
        {
            Spans =
            [
                .. Conversation(known)[1..6],
                Span(added, 1, attributes: ("mlflow.chat.tokenUsage", """{"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}""")),
                Span(added, 2, parent: 1, attributes: ("text", $"\"{new string('x', 700)}\"")),
            ],
            Infos =
            [
                Info(added) with
                {
                    Tags = new Dictionary<string, string> { ["a"] = "1", ["b"] = "2" },
                    Metadata = new Dictionary<string, string> { ["mlflow.trace.session"] = "s" },
                },
                Info(refused),
            ],
        };
        var before = await DumpAsync();

        var write = 0;
        for (var isDone = false; !isDone; write++)
        {
            Assert.InRange(write, 0, ManyWrites);
            await FailAtAsync(write, failure);
            try
            {
                await Store.WriteAsync(batch, Cancellation);
                isDone = true;
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                Assert.Equal(before, await DumpAsync());
            }
        }

        // Each row was one that could fail.
        Assert.InRange(write, 10, ManyWrites);
        await FailAtAsync(null, failure);
        var after = await DumpAsync();
        await Store.WriteAsync(batch, Cancellation);
        Assert.Equal(after, await DumpAsync());
        Assert.Equal((6, 2, 0), ((await InfoAsync(known)).Facts.SpanCount, (await InfoAsync(added)).Facts.SpanCount, (await InfoAsync(refused)).Facts.SpanCount));
        await AssertStoredAsync(known, Conversation(known)[..6]);
    }

    private async Task FailDeletionsAsync(string failure)
    {
        var (id, other) = (NewOtelId(), NewOtelId());
        await Store.WriteAsync(Batch([.. Conversation(id)[..3], Span(other, 1)]), Cancellation);
        await Store.SetTagAsync("tr-" + id, "k", "v", Cancellation);
        var before = await DumpAsync();

        var write = 0;
        for (var isDone = false; !isDone; write++)
        {
            Assert.InRange(write, 0, ManyWrites);
            await FailAtAsync(write, failure);
            try
            {
                await Store.DeleteAsync(new TraceDeletion { ExperimentId = 0, TraceIds = ["tr-" + id] }, Cancellation);
                isDone = true;
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                Assert.Equal(before, await DumpAsync());
            }
        }

        Assert.InRange(write, 5, ManyWrites);
        await FailAtAsync(null, failure);
        Assert.DoesNotContain(await DumpAsync(), row => row.Contains(id, StringComparison.Ordinal));
        Assert.Equal(1, (await InfoAsync(other)).Facts.SpanCount);
    }
}
