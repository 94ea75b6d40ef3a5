using System.Text.Json.Nodes;

namespace MLflow.EndToEnd.Tests.Golden;

/// <summary>The programs whose traces have more than one call of OpenAI, or none: written again for .NET.</summary>
public static class GoldenPrograms
{
    /// <summary>The program of a case that is no single call, or null.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="call">Sends one exchange of the case.</param>
    /// <param name="golden">The case.</param>
    public static Func<Task>? Find(string name, Func<GoldenExchange, Task> call, GoldenCase golden) => name switch
    {
        "nested_agent" => () => AgentAsync(call, golden),
        "ts-withspan" => WithSpanAsync,
        "ts-exception" => ExceptionAsync,
        _ => null,
    };

    private static Task<string> AgentAsync(Func<GoldenExchange, Task> call, GoldenCase golden)
    {
        return agent("Weather and time in Paris?");

        // Named as in Python: the names of functions and of their parameters are recorded.
        [Trace(SpanType.Agent)]
        async Task<string> agent(string q)
        {
            Mlflow.UpdateCurrentTrace(new TraceUpdate { Session = "s-1", User = "u-1", Tags = { ["team"] = "red" } });
            await call(golden.Exchanges[0]);
            get_weather("Paris", "c");
            get_time("Europe/Paris");
            await call(golden.Exchanges[1]);
            return "It is 21 °C in Paris and the time is 14:05.";
        }

        [Trace(SpanType.Tool)]
        static Dictionary<string, int> get_weather(string city, string unit) => new() { ["temp"] = 21 };

        [Trace(SpanType.Tool)]
        static string get_time(string tz) => "14:05";
    }

    private static Task WithSpanAsync()
    {
        Mlflow.Trace("outer", SpanType.Chain, outer =>
        {
            outer.SetAttribute("k", "v");
            outer.SetInputs(new JsonObject { ["q"] = "hi" });
            Mlflow.UpdateCurrentTrace(new TraceUpdate { Session = "s-1", Tags = { ["team"] = "red" } });
            Mlflow.Trace("inner", SpanType.Tool, inner =>
            {
                inner.SetAttribute("n", 7);
                inner.SetOutputs(new[] { 1, 2 });
            });
            outer.SetOutputs(new JsonObject { ["a"] = "yo" });
        });
        return Task.CompletedTask;
    }

    private static Task ExceptionAsync()
    {
        Assert(() => Mlflow.Trace("boom", SpanType.Unknown, span =>
        {
            span.SetInputs(new JsonObject { ["x"] = 1, ["y"] = 2 });
            throw new InvalidOperationException("bad");
        }));
        return Task.CompletedTask;

        static void Assert(Action work) => Xunit.Assert.Throws<InvalidOperationException>(work);
    }
}
