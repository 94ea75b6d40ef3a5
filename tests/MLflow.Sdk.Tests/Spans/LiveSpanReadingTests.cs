using System.Text.Json;
using Xunit;

namespace MLflow.Tests.Spans;

public sealed class LiveSpanReadingTests : SpanTestBase
{
    [Fact]
    public void Getters_WhileItRunsAndAfterwards_GiveWhatWasSet()
    {
        var span = Start("x");
        Assert.Equal((null, null, null), (span.Inputs, span.Outputs, span.GetAttribute("none")));
        Assert.Equal((SpanStatusCode.Unset, true), (span.StatusCode, span.IsRecording));
        Assert.Null(span.EndTime);

        span.SetInputs(new { 東京 = new[] { 1, 2 } });
        span.SetOutputs(null);
        span.SetAttributes(new Dictionary<string, object?> { ["text"] = "a \"b\"", ["yes"] = true, ["n"] = 7, ["d"] = 1.5 });
        span.SetAttribute("broken", AttributeValue.FromJson("{\"a\":"u8.ToArray()));
        span.AddEvent("e", [new("k", "v")]);
        span.SetStatus(SpanStatusCode.Error, "bad");
        span.Dispose();

        Assert.Equal(2, span.Inputs?.GetProperty("東京")[1].GetInt32());
        Assert.Equal(JsonValueKind.Null, span.Outputs?.ValueKind);
        Assert.Equal(("a \"b\"", true), (span.GetAttribute("text")?.GetString(), span.GetAttribute("yes")?.GetBoolean()));
        Assert.Equal((7, 1.5), (span.GetAttribute("n")?.GetInt32(), span.GetAttribute("d")?.GetDouble()));
        Assert.Equal("{\"a\":", span.GetAttribute("broken")?.GetString());
        Assert.Equal(7, span.GetAttributes().Count);
        Assert.Equal("v", Assert.Single(span.GetEvents()).Attributes["k"].GetString());
        Assert.Equal((SpanStatusCode.Error, "bad", false), (span.StatusCode, span.StatusMessage, span.IsRecording));
        Assert.True(span.EndTime >= span.StartTime);
    }
}
