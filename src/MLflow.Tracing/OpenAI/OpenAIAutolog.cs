namespace MLflow;

/// <summary>The process-wide switch behind <c>Mlflow.OpenAI.Autolog</c>.</summary>
internal static class OpenAIAutolog
{
    private static readonly Lock Switch = new();
    private static volatile HttpCapture? _capture;
    private static bool _isTurnedOff;

    public static void Set(MlflowClient client, bool disable, Action<OpenAIAutologOptions>? configure)
    {
        lock (Switch)
        {
            _isTurnedOff = disable;
            if (disable)
            {
                _capture?.Dispose();
                _capture = null;
                return;
            }

            var options = new OpenAIAutologOptions();
            configure?.Invoke(options);
            options.Validate();
            if (_capture is { } capture)
            {
                capture.Configure(options);
            }
            else
            {
                capture = Start(client, options);
            }

            if (capture.Listen())
            {
                WarnWhenBlind(client.Log);
            }
        }
    }

    /// <summary>What <c>AddMlflowTracing()</c> records into. Where Autolog was never turned on, only clients that were made for it are seen.</summary>
    public static HttpCapture? CaptureForPolicies()
    {
        if (_capture is { } capture)
        {
            return capture;
        }

        lock (Switch)
        {
            return _isTurnedOff ? null : _capture ?? Start(Mlflow.Client, new OpenAIAutologOptions());
        }
    }

    private static HttpCapture Start(MlflowClient client, OpenAIAutologOptions options)
    {
        // A call's trace begins below async methods of HttpClient; only this lets the program ask for it afterwards.
        client.Tracer.WatchFlow();
        var capture = new HttpCapture(client.Tracer, client.Log, options);

        // Stays after tracing was turned off: answers that were being read then are still to be recorded.
        client.Tracer.DrainAsync = capture.DrainAsync;
        client.Tracer.DrainTracesAsync = capture.DrainAsync;
        client.Tracer.CloseOpenCalls = capture.CloseOpen;
        client.Tracer.RecorderFailures = () => capture.RecorderFailures;
        return _capture = capture;
    }

    /// <summary>With this switch off HttpClient raises no diagnostics at all.</summary>
    private static void WarnWhenBlind(SelfLog log)
    {
        var isOff = AppContext.TryGetSwitch("System.Net.Http.EnableActivityPropagation", out var enabled)
            ? !enabled
            : Environment.GetEnvironmentVariable("DOTNET_SYSTEM_NET_HTTP_ENABLEACTIVITYPROPAGATION") is "0" or "false" or "False";
        if (isOff)
        {
            log.Warn(
                "openai-blind",
                "OpenAI calls cannot be seen: System.Net.Http.EnableActivityPropagation is off. Turn it on, or make clients with new OpenAIClientOptions().AddMlflowTracing().");
        }
    }
}
