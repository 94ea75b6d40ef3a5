using MLflow.Server.Traces;
using MLflow.Server.Traces.Analysis;
using MLflow.Server.Traces.Filters;
using MLflow.Server.Ui.Noticing;
using MLflow.Server.Ui.Overview;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class ToolHabitsTests
{
    [Fact]
    public void Use_OfATrace_IsWhatItsAnswersAskedForAndGotWrong()
    {
        var use = Use(
            "tr-1",
            Call(1, ["get_order", "cancel_order"], ("get_order", """{"id":"4471"}"""), ("get_order", """{"id":4471}"""), ("get_order", "no JSON")),
            SomeSpan.Of(2, 0, "TOOL", 0, 1, "get_order", ("mlflow.spanInputs", new { id = 4471 })));

        Assert.Equal(["cancel_order", "get_order"], use.Offered.Order(StringComparer.Ordinal));
        Assert.Equal(["get_order"], use.Called);
        Assert.Equal((3, 2), use.Arguments["get_order"]);
    }

    [Fact]
    public void Use_OfACallWithoutAnAnswer_OffersNothing()
    {
        var asked = Call(1, ["get_order"]);
        Assert.Empty(Use("tr-1", asked with { Attributes = [.. asked.Attributes.Where(attribute => attribute.Key != "mlflow.spanOutputs")] }).Offered);
    }

    [Fact]
    public void Use_OfToolsThatTheProviderRuns_IsNotTold()
    {
        var call = SomeSpan.Of(1, 0, "CHAT_MODEL", 0, 1, "Responses", ("mlflow.chat.tools", new object[] { new { type = "web_search" }, new { type = "function", name = "get_order" } }), ("mlflow.spanOutputs", Answer([])));

        Assert.Equal(["get_order"], Use("tr-1", call).Offered);
        Assert.DoesNotContain(Notices.Of(SomeSpan.Tree(call)), notice => notice.Text.Contains("web_search", StringComparison.Ordinal));
    }

    [Fact]
    public void Habits_OverTraces_NameWhatNobodyCalledAndWhatWasCalledWrong()
    {
        var habits = new ToolHabits(
        [
            Use("tr-1", Call(1, ["get_order", "cancel_order", "list_orders"], ("get_order", """{"id":1}"""))),
            Use("tr-2", Call(1, ["get_order", "cancel_order"], ("get_order", """{"id":"2"}"""))),
            Use("tr-3", Call(1, ["cancel_order"], ("elsewhere", "{}"))),
        ]);

        Assert.Equal(["cancel_order", "list_orders"], habits.NeverCalled);
        Assert.Equal(["get_order"], habits.Misused);
        Assert.Equal((1, null, null), (habits.Misfits("get_order"), habits.Misfits("cancel_order"), habits.Misfits("elsewhere")));
        Assert.Equal(["tr-1"], habits.TracesWithMisfits("get_order"));
        Assert.Equal(["tr-1", "tr-2", "tr-3"], habits.TracesThatOffered("cancel_order"));
    }

    [Fact]
    public void View_OfHabits_LeadsToTheirTracesAndNamesToolsWithoutRuns()
    {
        var range = OverviewRange.Of("24h");
        var habits = new ToolHabits([Use("tr-1", Call(1, ["get_order", "cancel_order"], ("get_order", """{"id":1}"""), ("update", "{}"))), Use("tr-2", Call(1, ["cancel_order"]))]);
        var view = new OverviewView(
            new Overview { Query = range.Query(1, DateTimeOffset.UnixEpoch.AddYears(56)), Total = OverviewFigures.None, Buckets = new Dictionary<int, OverviewFigures>(), Models = [], Tools = [new("get_order", 1, 0, 1, 1)] }, range, habits);

        Assert.Equal(["cancel_order"], view.ToolsWithoutRuns);
        Assert.Equal(("request_id IN ('tr-1')", "request_id IN ('tr-1', 'tr-2')", null), (view.MisfitFilter("get_order"), view.OfferFilter("cancel_order"), view.MisfitFilter("cancel_order")));
        TraceFilter.Parse(view.OfferFilter("cancel_order"));
    }

    private static ToolUse Use(string traceId, params SpanRecord[] spans) =>
        ToolUse.Of(new TraceInfo { TraceId = traceId, ExperimentId = 1, RequestTimeMs = 1, State = TraceState.Ok }, spans);

    private static SpanRecord Call(int number, string[] tools, params (string Name, string Arguments)[] calls) => SomeSpan.Of(
        number, 0, "CHAT_MODEL", 0, 1, "Completions",
        ("mlflow.chat.tools", tools.Select(tool => new { type = "function", function = new { name = tool, parameters = new { type = "object", properties = new { id = new { type = "string" } } } } })),
        ("mlflow.spanOutputs", Answer(calls)));

    private static object Answer((string Name, string Arguments)[] calls) => new
    {
        choices = new[] { new { index = 0, message = new { role = "assistant", content = "So be it.", tool_calls = calls.Select((call, i) => new { id = $"call_{i}", type = "function", function = new { name = call.Name, arguments = call.Arguments } }) } } },
    };
}
