using MLflow.Benchmarks.Calls;
using MLflow.Benchmarks.Gateway;
using MLflow.Benchmarks.Long;
using MLflow.Benchmarks.Privacy;
using MLflow.Benchmarks.Server;
using MLflow.Benchmarks.Spans;
using MLflow.Benchmarks.Uploads;

return args switch
{
    ["calls"] => CompiledProcess.Run("calls", () => RunCalls(null)),
    ["calls", "chat" or "stream" or "get"] => CompiledProcess.Run($"calls {args[1]}", () => RunCalls(args[1])),
    ["collector"] => await RunCollectorAsync(),
    ["gateway", ..] => await GatewayBenchmark.RunAsync(args[1..]),
    ["model"] => await RunModelAsync(),
    ["privacy"] => CompiledProcess.Run("privacy", RunPrivacy),
    ["server", ..] => await ServerBenchmark.RunAsync(args[1..]),
    ["soak", var spans] when long.TryParse(spans, out var count) && count >= 1000 => await SoakRun.RunAsync(count),
    ["crash", var kills] when int.TryParse(kills, out var count) && count >= 1 => await CrashRun.RunAsync(count),
    ["concurrency", var minutes] when double.TryParse(minutes, System.Globalization.CultureInfo.InvariantCulture, out var count) && count > 0 => await ConcurrencyRun.RunAsync(count),
    ["spans"] => CompiledProcess.Run("spans", RunSpans),
    ["uploads"] => RunUploads(),
    _ => Usage(),
};

static int RunCalls(string? only)
{
    CallsBenchmark.Run(only);
    return 0;
}

static int RunSpans()
{
    SpansBenchmark.Run();
    return 0;
}

static async Task<int> RunCollectorAsync()
{
    await DiscardingCollector.RunAsync();
    return 0;
}

static async Task<int> RunModelAsync()
{
    await LoopbackModel.RunAsync();
    return 0;
}

static int RunUploads()
{
    UploadsBenchmark.Run();
    return 0;
}

static int RunPrivacy()
{
    PrivacyBenchmark.Run();
    return 0;
}

static int Usage()
{
    Console.Error.WriteLine("usage: dotnet run -c Release --project benchmarks/MLflow.Benchmarks -- calls [chat | stream | get] | spans | soak SPANS | crash KILLS | concurrency MINUTES | privacy | uploads | " + GatewayBenchmark.Usage + " | " + ServerBenchmark.Usage);
    return 2;
}
