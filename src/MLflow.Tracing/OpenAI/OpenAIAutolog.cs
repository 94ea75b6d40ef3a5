namespace MLflow;

/// <summary>The process-wide switch behind <c>Mlflow.OpenAI.Autolog</c>.</summary>
internal static class OpenAIAutolog
{
    private static readonly Lock Switch = new();
    private static volatile HttpCapture? _capture;
    private static bool _isTurnedOff;
    private static bool _isDecided;

    /// <summary>Turns it on where the program has said neither yes nor no.</summary>
    public static void TurnOnUnlessDecided(MlflowClient client, Action<OpenAIAutologOptions>? configure)
    {
        lock (Switch)
        {
            if (!_isDecided)
            {
                Set(client, disable: false, configure);
            }
        }
    }

    public static void Set(MlflowClient client, bool disable, Action<OpenAIAutologOptions>? configure)
    {
        lock (Switch)
        {
            _isDecided = true;
            var options = new OpenAIAutologOptions();
            if (!disable)
            {
                configure?.Invoke(options);
                options.Validate();
            }

            if (disable || options.Capture == CaptureMode.Off)
            {
                TurnOff();
                return;
            }

            _isTurnedOff = false;
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
                WarnWhenBlind(LogOf(client));
            }
        }
    }

    public static void TurnOff()
    {
        lock (Switch)
        {
            _isTurnedOff = true;
            _capture?.Dispose();
            _capture = null;
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

    /// <summary>The capture outlives a host whose client it was started for.</summary>
    private static SelfLog LogOf(MlflowClient client) => ReferenceEquals(client.Tracer, Mlflow.Tracer) ? Mlflow.Log : client.Log;

    private static HttpCapture Start(MlflowClient client, OpenAIAutologOptions options)
    {
        var tracer = client.Tracer;

        // A call's trace begins below async methods of HttpClient; only this lets the program ask for it afterwards.
        tracer.WatchFlow();
        var capture = new HttpCapture(tracer, LogOf(client), options);

        // Stays after tracing was turned off: answers that were being read then are still to be recorded.
        tracer.DrainAsync = cancellationToken => capture.DrainAsync(isInPlace: true, cancellationToken);
        tracer.DrainTracesAsync = capture.DrainAsync;
        tracer.CloseOpenCalls = capture.CloseOpen;
        tracer.RecorderFailures = () => capture.RecorderFailures;
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
