using System.ClientModel;
using System.Diagnostics;
using OpenAI;
using OpenAI.Chat;

namespace MLflow.Sdk.Tests.Capture;

/// <summary>A program in whose process HttpClient raises no diagnostics. The runtime reads that switch once, so it needs a process of its own.</summary>
internal static class BlindProgram
{
    public const string Argument = "--program-without-diagnostics";

    public static int Run(Uri model)
    {
        Mlflow.OpenAI.Autolog();
        Mlflow.OpenAI.Autolog();
        Call(new OpenAIClientOptions { Endpoint = model }, "not seen");
        Call(new OpenAIClientOptions { Endpoint = model }.AddMlflowTracing(), "seen");
        var result = Mlflow.FlushAsync().GetAwaiter().GetResult();
        Console.WriteLine($"exported {result.Exported}");
        return 0;
    }

    public static Process Start(Uri model, Uri tracking)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, [Argument, model.ToString()])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            Environment =
            {
                ["MLFLOW_TRACKING_URI"] = tracking.ToString(),
                ["DOTNET_SYSTEM_NET_HTTP_ENABLEACTIVITYPROPAGATION"] = "0",
            },
        };
        return Process.Start(start)!;
    }

    private static void Call(OpenAIClientOptions options, string question) =>
        new ChatClient("gpt-4o", new ApiKeyCredential("sk-test"), options).CompleteChat(question);
}
