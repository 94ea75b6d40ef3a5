using System.Collections.Concurrent;
using MLflow.Server.Traces;
using Xunit;
using static MLflow.Server.Tests.Storage.SomeTrace;

namespace MLflow.Server.Tests.Storage;

/// <content>Many who write and many who read at once; <c>eng/long/concurrency.sh</c> does so for long.</content>
public abstract partial class TraceStoreConformance
{
    [Fact]
    public async Task Write_SixtyFourWritersAndSixteenReaders_FailNowhereAndCountOnce()
    {
        const int Writers = 64;
        const int Readers = 16;
        const int TracesOfAWriter = 6;
        var (written, isOver) = (new ConcurrentQueue<string>(), false);
        var readers = Enumerable.Range(0, Readers).Select(reader => Task.Run(async () =>
        {
            var query = new TraceQuery { ExperimentIds = [0], Filter = reader % 2 == 0 ? null : "span.content LIKE '%turn 2 of%'", PageSize = 20 };
            do
            {
                var page = await Store.SearchAsync(query, Cancellation);
                foreach (var trace in page.Traces.Take(2))
                {
                    // Each batch is all of a trace.
                    Assert.Equal(3, (await Store.GetSpansAsync(trace.TraceId, Cancellation)).Count);
                }

                if (written.TryPeek(out var id))
                {
                    Assert.Equal(3, (await InfoAsync(id)).Facts.SpanCount);
                }
            }
            while (!Volatile.Read(ref isOver));
        })).ToList();

        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            for (var i = 0; i < TracesOfAWriter; i++)
            {
                var id = NewOtelId();
                var batch = Batch([.. Conversation(id)[..3].Select(span => span with
                {
                    Attributes = [.. span.Attributes, new("mlflow.chat.tokenUsage", """{"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}""")],
                })]);
                await Store.WriteAsync(batch, Cancellation);
                written.Enqueue(id);
                if (i % 3 == writer % 3)
                {
                    await Store.WriteAsync(batch, Cancellation);
                }
            }
        })));
        Volatile.Write(ref isOver, true);
        await Task.WhenAll(readers);

        var infos = await Store.GetInfosAsync([.. written.Select(id => "tr-" + id)], Cancellation);
        Assert.Equal(Writers * TracesOfAWriter, infos.Count);

        // The first of a conversation's spans is above the others: what counts are those.
        Assert.All(infos, info => Assert.Equal((3, 4L), (info.Facts.SpanCount, info.Facts.TotalTokens)));
        Assert.Equal(Writers * TracesOfAWriter, await Store.CountAsync(new TraceQuery { ExperimentIds = [0] }, int.MaxValue, Cancellation));
    }
}
