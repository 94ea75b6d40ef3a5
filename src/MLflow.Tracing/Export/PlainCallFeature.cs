namespace MLflow;

/// <summary>
/// What our own server can do beyond MLflow's: it records calls of models itself. A trace that is one such call then goes as the two bodies and what they do
/// not say, in one attribute of the span, and the server derives from it what the client would have sent.
/// </summary>
internal static class PlainCallFeature
{
    /// <summary>
    /// In what <c>server-info</c> answers, with the version of MLflow.Tracing that the server has. Another version may record otherwise: then calls are
    /// recorded before they are sent.
    /// </summary>
    public const string Name = "records_calls_of";

    /// <summary>Name of the span attribute. An application's own attribute of that name is not sent.</summary>
    public const string Attribute = "mlflow.plainCall";

    /// <summary>Header of the answer: how many calls were recorded. Without it another server has answered.</summary>
    public const string Header = "x-mlflow-recorded-calls";

    /// <summary>Bytes of each body at most; what is larger may have media to be shortened before it is sent.</summary>
    public const int MaxBodyBytes = MediaTrimmer.MaxTextBytes;
}
