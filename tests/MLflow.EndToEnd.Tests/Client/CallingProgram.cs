using System.Globalization;

namespace MLflow.EndToEnd.Tests.Client;

/// <summary>A program whose trace goes on in a service that it calls. It says the trace's id.</summary>
internal static class CallingProgram
{
    public const string Argument = "--calling-program";

    public static async Task RunAsync(Uri service)
    {
        using var http = new HttpClient { BaseAddress = service };
        string traceId;
        using (var root = Mlflow.StartSpan("ask", SpanType.Agent))
        {
            traceId = root.TraceId;
            root.SetInputs("q");
            root.SetAttribute("process", Environment.ProcessId);
            Mlflow.UpdateCurrentTrace(new TraceUpdate { Session = "s, 1", User = "Zoë" });
            using (Mlflow.StartSpan("call the service", SpanType.Tool))
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, "/look-up");
                Mlflow.AddTraceContext(request, withBaggage: true);
                root.SetOutputs(await AnswerAsync(http, request));
            }

            // What the service does later, in a trace of its own, for the same user.
            using var order = new HttpRequestMessage(HttpMethod.Get, "/later");
            order.Headers.TryAddWithoutValidation("baggage", Mlflow.GetTraceContext(withBaggage: true)["baggage"]);
            await AnswerAsync(http, order);
        }

        var sent = await Mlflow.FlushAsync();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{traceId} {sent.Exported}"));
    }

    private static async Task<string> AnswerAsync(HttpClient http, HttpRequestMessage request)
    {
        using var answer = await http.SendAsync(request);
        answer.EnsureSuccessStatusCode();
        return await answer.Content.ReadAsStringAsync();
    }
}
