using MLflow.EndToEnd.Tests.Recordings;
using Xunit;

namespace MLflow.OpenAIVersions.Tests;

/// <summary>One call of a model with what the server then has of it.</summary>
public static class TrackedCall
{
    /// <summary>Makes the call below a span and gives its own span as the server has it.</summary>
    public static async Task<(StoredSpan Call, T Result)> MakeAsync<T>(TrackedProcess tracked, Func<Task<T>> call, CancellationToken cancellationToken)
    {
        string traceId;
        T result;
        using (var root = Mlflow.StartSpan("root"))
        {
            traceId = root.TraceId;
            result = await call();
        }

        await Mlflow.FlushAsync(cancellationToken);
        var trace = await tracked.GetTraceAsync(traceId, cancellationToken);
        Assert.NotNull(trace);
        return (Assert.Single(trace.Spans, span => span.Name != "root"), result);
    }
}
