namespace MLflow.Server.Ui.Endpoints;

/// <summary>A model of an endpoint as it is typed.</summary>
public sealed class ModelDraft
{
    public string SecretId { get; set; } = "";

    public string ModelName { get; set; } = "";

    public bool IsFallback { get; set; }

    public string Weight { get; set; } = "1";
}
