namespace MLflow.Server.Ui.Endpoints;

/// <summary>A rate limit as it is typed.</summary>
public sealed class LimitDraft
{
    public string Calls { get; set; } = "";

    public string Key { get; set; } = "endpoint";

    public string Period { get; set; } = "minute";
}
