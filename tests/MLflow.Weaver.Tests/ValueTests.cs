using MLflow.Weaver.Tests.Shapes;
using Xunit;

namespace MLflow.Weaver.Tests;

public sealed class ValueTests : TracedTestBase
{
    [Fact]
    public void Out_Parameter_IsAnOutput()
    {
        Assert.True(Values.TryHalf(8, out var half));
        Assert.Equal(4, half);
        Assert.Equal("""{"number":8}""", Inputs(Span()));
        Assert.Equal("""{"return":true,"half":4}""", Outputs(Span()));
    }

    [Fact]
    public void Ref_Parameter_IsInputAndOutput()
    {
        var (a, b) = ("1", "2");
        Values.Swap(ref a, ref b);
        Assert.Equal(("2", "1"), (a, b));
        Assert.Equal("""{"a":"1","b":"2"}""", Inputs(Span()));
        Assert.Equal("""{"a":"2","b":"1"}""", Outputs(Span()));
    }

    [Fact]
    public void In_Parameter_IsAnInput()
    {
        var four = 4;
        Assert.Equal(7, Values.Sum(3, ref four));
        Assert.Equal("""{"a":3,"b":4}""", Inputs(Span()));
        Assert.Equal("7", Outputs(Span()));
    }

    [Fact]
    public void Span_Parameter_IsRecordedAsTextOrLength()
    {
        Assert.Equal(7, Values.Count("text", new byte[3]));
        Assert.Equal("""{"text":"text","bytes":"System.Span<Byte>[3]"}""", Inputs(Span()));
    }

    [Fact]
    public void Span_Returned_IsRecordedAsText()
    {
        Assert.Equal("a", Values.Trim(" a ").ToString());
        Assert.Equal("\"a\"", Outputs(Span()));
    }

    [Fact]
    public unsafe void WhatCannotBeBoxed_IsNamed()
    {
        var number = 5;
        Assert.Equal(5, Values.Ref(new Values.RefStruct { Number = 5 }).Number);
        Assert.Equal(6, Values.Any(6));
        Assert.Equal(3, Values.Any("abc".AsSpan()).Length);
        Assert.True(Values.Pointer(&number, null) == &number);

        Assert.Equal("""{"value":"<RefStruct>"}""", Inputs(Span("Ref")));
        Assert.Equal("\"<RefStruct>\"", Outputs(Span("Ref")));
        Assert.All(Exporter.Spans.Where(s => s.Name == "Any"), span => Assert.Equal("\"<T>\"", Outputs(span)));
        Assert.StartsWith("""{"pointer":"<Int32*>",""", Inputs(Span("Pointer")), StringComparison.Ordinal);
        Assert.Equal("\"<Int32*>\"", Outputs(Span("Pointer")));
    }

    [Fact]
    public void Reference_Returned_StaysAReference()
    {
        ref var field = ref Values.ByReference(1);
        var before = field;
        field = 40;
        Assert.Equal(40, Values.ReadOnlyReference());
        Assert.Equal([before.ToString(System.Globalization.CultureInfo.InvariantCulture), "40"], Exporter.Spans.Select(Outputs));
    }

    [Fact]
    public void Null_IsRecordedAsNull()
    {
        Values.Nothing(null, null);
        Assert.Equal("""{"text":null,"number":null}""", Inputs(Span()));
        Assert.Equal("null", Outputs(Span()));
    }

    [Fact]
    public void OneThatCannotBeSerialised_DoesNotCostTheOthers()
    {
        Assert.Equal("kept", Values.Hostile(new Hostile(), "kept"));
        Assert.Equal("""{"hostile":"Hostile","text":"kept"}""", Inputs(Span()));
    }

    [Fact]
    public void Lazy_Argument_IsNotEnumerated()
    {
        var enumerated = 0;
        Assert.Equal(3, Values.Lazy(Once()));
        Assert.Equal(3, enumerated);
        Assert.StartsWith("""{"numbers":"<""", Inputs(Span()), StringComparison.Ordinal);

        Values.Lazy([1, 2]);
        Assert.Equal("""{"numbers":[1,2]}""", Inputs(Exporter.Spans[1]));

        IEnumerable<int> Once()
        {
            for (var i = 0; i < 3; i++)
            {
                enumerated++;
                yield return i;
            }
        }
    }

    [Fact]
    public void WhatIsNoData_IsNamedAndLeftAlone()
    {
        var asked = 0;
        var lazy = new Lazy<int>(() => asked++);
        using var http = new HttpClient { DefaultRequestHeaders = { { "Authorization", "Bearer secret" } } };
        Values.Any(new TaskCompletionSource<int>().Task, lazy);
        Values.Any(http, new System.Net.NetworkCredential("user", "secret"));
        Values.Any(new ValueTask<int>(new TaskCompletionSource<int>().Task), Once());
        Values.Any(new HashSet<int> { 1 }, new System.Text.Json.Nodes.JsonObject { ["a"] = 1 });

        Assert.Equal(0, asked);
        Assert.Equal(
            [
                """{"value":"<Task`1>","other":"<Lazy`1>"}""",
                """{"value":"<HttpClient>","other":"<NetworkCredential>"}""",
                """{"value":"<ValueTask`1>","other":"<OnceOnly>"}""",
                """{"value":[1],"other":{"a":1}}""",
            ],
            Exporter.Spans.Select(Inputs));

        OnceOnly Once() => new(() => asked++);
    }

    [Fact]
    public void Stackalloc_InTheBody_Works()
    {
        Assert.Equal(9, Values.Stack(9));
        Assert.Equal("9", Outputs(Span()));
    }

    [Fact]
    public void ManyTypes_AreRecorded()
    {
        Values.Wide(1, 2, 0.5, 1.25m, DateTimeOffset.UnixEpoch, SpanStatusCode.Ok, Guid.Empty, ["h"], new() { ["i"] = 1 });
        Assert.Equal(
            """{"a":1,"b":2,"c":0.5,"d":1.25,"e":"1970-01-01T00:00:00+00:00","f":1,"g":"00000000-0000-0000-0000-000000000000","h":["h"],"i":{"i":1}}""",
            Inputs(Span()));
    }

    [Fact]
    public void Options_OfTheAttribute_AreFollowed()
    {
        Values.Find("q");

        var span = Span();
        Assert.Equal(("find 東京", SpanType.Retriever), (span.Name, span.SpanType));
        Assert.Equal("\"Find\"", Text(span, "mlflow.spanFunctionName"));
        Assert.Null(Inputs(span));
        Assert.Equal("""["a","q"]""", Outputs(span));
        Assert.Equal(["\"docs\"", "5", "0.5", "true"], new[] { "index", "k", "score", "exact" }.Select(key => Text(span, key)));
    }

    [Fact]
    public async Task Secrets_AreLeftOut()
    {
        Values.Secret("u", "p");
        await Values.SecretAsync("u");
        Assert.True(Values.SecretOut("u", out _));

        Assert.All(Exporter.Spans, span => Assert.Equal("""{"user":"u"}""", Inputs(span)));
        Assert.All(Exporter.Spans, span => Assert.Null(Outputs(span)));
    }

    [Fact]
    public void Inlined_Method_IsTraced()
    {
        Assert.Equal(2, Values.Inlined(1));
        Assert.Equal("2", Outputs(Span()));
    }

    /// <summary>Neither a collection nor its own enumerator, as streamed answers of the OpenAI package are.</summary>
    private sealed class OnceOnly(Action asked) : IEnumerable<int>
    {
        public IEnumerator<int> GetEnumerator()
        {
            asked();
            return Enumerable.Empty<int>().GetEnumerator();
        }

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
    }

    private sealed class Hostile
    {
        public string Text => throw new InvalidOperationException("no text");

        public override string ToString() => nameof(Hostile);
    }
}
