using System.Runtime.CompilerServices;
using MLflow.Weaver.Tests.Shapes;
using Xunit;

namespace MLflow.Weaver.Tests;

public sealed class SequenceTests : TracedTestBase
{
    [Fact]
    public async Task Stream_WhoseSpansSomebodyListensTo_IsCurrentOnlyWhileItsOwnCodeRuns()
    {
        var stopped = new System.Collections.Concurrent.ConcurrentQueue<System.Diagnostics.Activity>();
        using var listener = new System.Diagnostics.ActivityListener
        {
            ShouldListenTo = source => source.Name is "MLflow.Tracing" or "stream's program",
            Sample = static (ref _) => System.Diagnostics.ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = stopped.Enqueue,
        };
        System.Diagnostics.ActivitySource.AddActivityListener(listener);
        using var source = new System.Diagnostics.ActivitySource("stream's program");
        using (var request = source.StartActivity("request"))
        {
            await foreach (var word in Sequences.StreamAsync("a b", Token))
            {
                Assert.Same(request, System.Diagnostics.Activity.Current);
            }

            Assert.Same(request, System.Diagnostics.Activity.Current);

            // Others' tests of this process are heard, too.
            var inner = stopped.Where(activity => activity.OperationName == "InnerAsync" && activity.RootId == request!.RootId).ToList();
            Assert.Equal(2, inner.Count);
            Assert.All(inner, activity => Assert.Equal(("StreamAsync", "request"), (activity.Parent!.OperationName, activity.Parent.Parent!.OperationName)));
        }
    }

    [Fact]
    public void Iterator_Enumerated_IsOneSpanAroundItsOwnCode()
    {
        var numbers = Sequences.Count(2);
        Assert.Empty(Exporter.Spans);

        var seen = new List<int>();
        foreach (var number in numbers)
        {
            // Between two elements the program runs, not the iterator.
            Assert.Null(Tracer.Current);
            Calls.GetWeather("Rome");
            seen.Add(number);
        }

        Assert.Equal([1, 2], seen);
        Assert.Equal("Count[Deep Deep] GetWeather GetWeather", Tree());
        var span = Span("Count");
        Assert.Equal("""{"to":2,"last":null}""", Inputs(span));
        Assert.Equal("[1,2]", Outputs(span));
        Assert.Equal(["mlflow.chunk.item.0", "mlflow.chunk.item.1"], span.EndedEvents.Select(e => e.Name));
        Assert.Equal("2", Json(span.EndedEvents[1].Attributes.Single(a => a.Key == "mlflow.chunk.value").Value));
        Assert.Equal("\"completed\"", Text(span, "mlflow.stream.end"));
    }

    [Fact]
    public void Iterator_EnumeratedTwice_IsTwoSpans()
    {
        var numbers = Sequences.Count(1);
        Assert.Equal([1], numbers);
        Assert.Equal([1], numbers);
        Assert.Equal("Count[Deep] Count[Deep]", Tree());
    }

    [Fact]
    public void Iterator_LeftEarly_EndsWithWhatCame()
    {
        var isLast = false;
        foreach (var number in Sequences.Count(5, () => isLast = Tracer.Current is not null))
        {
            if (number == 2)
            {
                break;
            }
        }

        Assert.True(isLast, "the iterator's finally block runs within its span");
        var span = Span("Count");
        Assert.Equal((SpanStatusCode.Ok, "[1,2]", "\"abandoned\""), (span.StatusCode, Outputs(span), Text(span, "mlflow.stream.end")));
        Assert.Null(Tracer.Current);
    }

    [Fact]
    public void Iterator_NeverEnumerated_IsNoSpan()
    {
        var numbers = Sequences.Count(5);
        numbers.GetEnumerator().Dispose();
        Assert.Empty(Exporter.Spans);
        Assert.Equal(0, Outlet.Unfinished);
    }

    [Fact]
    public void Iterator_DroppedWithoutDispose_EndsOnceCollected()
    {
        Drop();
        var deadline = DateTimeOffset.UtcNow.AddSeconds(30);
        while (Exporter.Spans.All(s => s.Name != "Count") && DateTimeOffset.UtcNow < deadline)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.Equal("\"dropped\"", Text(Span("Count"), "mlflow.stream.end"));
    }

    [Fact]
    public void Iterator_Throwing_RecordsTheException()
    {
        var seen = new List<int>();
        var thrown = Assert.Throws<InvalidOperationException>(() => seen.AddRange(Sequences.Fail(2)));

        Assert.Equal("enough", thrown.Message);
        var span = Span();
        Assert.Equal("InvalidOperationException: enough", span.StatusMessage);
        Assert.Equal(["mlflow.chunk.item.0", "mlflow.chunk.item.1"], span.EndedEvents.Select(e => e.Name).Where(name => name != "exception"));
        Assert.Null(Outputs(span));
    }

    [Fact]
    public async Task Iterator_Throwing_EndsAfterTheFinallyBlocksOfItsCode()
    {
        Assert.Throws<InvalidOperationException>(() => Sequences.FailBelow().ToList());
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await Sequences.FailBelowAsync().ToListAsync(Token));

        Assert.Equal([["cleanup", "FailBelow"], ["cleanup", "FailBelowAsync"]], Exporter.Exports.Select(export => export.Spans.Select(span => span.Name)));
    }

    [Fact]
    public void Iterator_SpanOfItsOwn_IsCurrentAgainWhenItGoesOn()
    {
        Assert.Equal([2, 4], Sequences.Nesting());
        Assert.Equal("Nesting[inner[Deep Deep]]", Tree());
    }

    [Fact]
    public void Iterator_OtherForms_AreTraced()
    {
        Assert.Equal([1, "two"], Sequences.Untyped().Cast<object>());
        using (var numbers = Sequences.Enumerator())
        {
            Assert.True(numbers.MoveNext());
            Assert.Equal(7, numbers.Current);
            Assert.False(numbers.MoveNext());
        }

        Assert.Equal("""[1,"two"]""", Outputs(Span("Untyped")));
        Assert.Equal("[7]", Outputs(Span("Enumerator")));
    }

    [Fact]
    public void Sequence_ThatIsThere_IsReturnedAsItIs()
    {
        Assert.IsType<List<string>>(Sequences.List("a"));
        Assert.Equal("""["a","b"]""", Outputs(Span()));
    }

    [Fact]
    public void Sequence_ThatIsStillToBeMade_IsMadeWithinTheSpan()
    {
        var query = Sequences.Query("a");
        Assert.Empty(Exporter.Spans);
        Assert.Equal(["A!", "B!"], query);

        Assert.Equal("Query[Shout Shout]", Tree());
        Assert.Equal("""["A!","B!"]""", Outputs(Span("Query")));
        Assert.Equal(["A!", "B!"], query);
    }

    [Fact]
    public async Task AsyncIterator_Enumerated_IsOneSpanAroundItsOwnCode()
    {
        var words = new List<string>();
        await foreach (var word in Sequences.StreamAsync("a b", Token))
        {
            Assert.Null(Tracer.Current);
            words.Add(word);
        }

        Assert.Equal(["A", "B"], words);
        Assert.Equal("StreamAsync[InnerAsync InnerAsync]", Tree());
        Assert.Equal("""["A","B"]""", Outputs(Span("StreamAsync")));
        Assert.Equal("""{"text":"a b"}""", Inputs(Span("StreamAsync")));
    }

    [Fact]
    public async Task AsyncIterator_RootOfItsTrace_IsTheLastTraceOfTheFlow()
    {
        await foreach (var _ in Sequences.StreamAsync("a", Token))
        {
        }

        Assert.Equal(Span("StreamAsync").TraceId, Tracer.LastTraceId);
    }

    [Fact]
    public async Task AsyncIterator_LeftEarly_EndsWithWhatCame()
    {
        await foreach (var _ in Sequences.StreamAsync("a b c", Token))
        {
            break;
        }

        Assert.Equal(("[\"A\"]", "\"abandoned\""), (Outputs(Span("StreamAsync")), Text(Span("StreamAsync"), "mlflow.stream.end")));
    }

    [Fact]
    public async Task AsyncIterator_CancelledByItsToken_IsMarkedAsThat()
    {
        using var cancellation = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in Sequences.StreamAsync("a b c", CancellationToken.None).WithCancellation(cancellation.Token))
            {
                await cancellation.CancelAsync();
            }
        });

        var span = Span("StreamAsync");
        Assert.Equal((SpanStatusCode.Error, "true", "\"cancelled\""), (span.StatusCode, Text(span, "mlflow.cancelled"), Text(span, "mlflow.stream.end")));
    }

    [Fact]
    public async Task AsyncSequence_HandedOn_IsTracedByBoth()
    {
        var words = new List<string>();
        await foreach (var word in Sequences.Forward("x"))
        {
            words.Add(word);
        }

        Assert.Equal(["X"], words);
        Assert.Equal("Forward[StreamAsync[InnerAsync]]", Tree());
    }

    [Fact]
    public async Task AsyncIterator_OutputNotCaptured_RecordsTheCountOnly()
    {
        await foreach (var _ in Sequences.SecretStreamAsync())
        {
        }

        Assert.Empty(Span().EndedEvents);
        Assert.Null(Outputs(Span()));
        Assert.Equal("1", Text(Span(), "mlflow.stream.chunk_count"));
    }

    [Fact]
    public async Task OutputReducer_OfElements_MakesTheOutput()
    {
        await foreach (var _ in Sequences.JoinedAsync("a b"))
        {
        }

        Assert.Equal(3, Sequences.Summed(2).Sum());
        var box = new Box<string>();
        box.Put("x");
        Assert.Equal(["x", "x"], box.Values(2));

        Assert.Equal("\"ab\"", Outputs(Span("JoinedAsync")));
        Assert.Equal("3", Outputs(Span("Summed")));
        Assert.Equal("\"x\"", Outputs(Span("Values")));
        Assert.Equal(2, Span("Values").EndedEvents.Count);
    }

    [Fact]
    public void OutputReducer_LocalFunction_MakesTheOutput()
    {
        Assert.Equal([1, 2], Numbers());
        Assert.Equal("2", Outputs(Span()));

        [Trace(OutputReducer = nameof(Last))]
        static IEnumerable<int> Numbers() => Sequences.Twice();

        static int Last(IReadOnlyCollection<int> numbers) => numbers.Last();
    }

    [Fact]
    public void OutputReducer_Throwing_LeavesTheList()
    {
        Assert.Equal(6, Sequences.Summed(3).Sum());

        Assert.Equal("[0,1,2,3]", Outputs(Span()));
        Assert.Contains("too many", Text(Span(), "mlflow.capture.note"), StringComparison.Ordinal);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Drop() => Sequences.Count(3).GetEnumerator().MoveNext();
}
