#:project Setup
#:package OpenAI
#:package OpenTelemetry
#:package OpenTelemetry.Instrumentation.Http

using System.Diagnostics;
using MLflow;
using MLflow.Samples;
using OpenAI.Chat;
using OpenTelemetry;
using OpenTelemetry.Trace;

await using var sample = await Sample.StartAsync();

// The program's own telemetry: its activities, its requests, and, with one line, the spans of MLflow
using var source = new ActivitySource("Shop");
using var telemetry = Sdk.CreateTracerProviderBuilder()
    .AddSource("Shop")
    .AddSource("MLflow.Tracing")
    .AddHttpClientInstrumentation()
    .AddProcessor(new ScreenProcessor())
    .Build();

// MLflow beside it has the whole of it: messages, answers, chunks
Mlflow.OpenAI.Autolog();
Mlflow.SetTrackingUri(Sample.TrackingUri);
Mlflow.SetExperiment("opentelemetry-demo");

using (source.StartActivity("order"))
{
    await Mlflow.TraceAsync("advise", SpanType.Agent, async span =>
    {
        var client = new ChatClient("gpt-4o-mini", sample.Key, sample.Options);
        ChatCompletion answer = await client.CompleteChatAsync("What is the capital of France?");
        return answer.Content[0].Text;
    });
}

// A call is recorded in the background
await Mlflow.FlushAsync();

/// <summary>Writes what OpenTelemetry is told; an exporter would send it.</summary>
internal sealed class ScreenProcessor : BaseProcessor<Activity>
{
    public override void OnEnd(Activity activity) =>
        Console.WriteLine($"[otel] {activity.DisplayName} ({activity.Source.Name}) below {activity.Parent?.OperationName ?? "nothing"}{(activity.GetTagItem("gen_ai.usage.output_tokens") is { } tokens ? $", {tokens} tokens" : "")}");
}
