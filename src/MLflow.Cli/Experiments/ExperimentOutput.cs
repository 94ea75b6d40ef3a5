using System.Globalization;
using System.Text.Json;
using MLflow.Cli.Output;

namespace MLflow.Cli.Experiments;

/// <summary>Experiments as text and as MLflow's JSON.</summary>
internal static class ExperimentOutput
{
    public static Task WriteTableAsync(IEnumerable<ExperimentRecord> experiments)
    {
        var table = StandardOutput.Table("EXPERIMENT ID", "NAME", "STATE", "CREATED", "ARTIFACT LOCATION");
        foreach (var experiment in experiments)
        {
            table.Add(
                experiment.ExperimentId,
                experiment.Name,
                Stage(experiment),
                experiment.CreationTime?.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture),
                experiment.ArtifactLocation);
        }

        return StandardOutput.WriteAsync(table);
    }

    public static void Write(Utf8JsonWriter json, ExperimentRecord experiment)
    {
        json.WriteStartObject();
        json.WriteString("experiment_id", experiment.ExperimentId);
        json.WriteString("name", experiment.Name);
        json.WriteString("artifact_location", experiment.ArtifactLocation);
        json.WriteString("lifecycle_stage", Stage(experiment));
        if (experiment.CreationTime is { } created)
        {
            json.WriteNumber("creation_time", created.ToUnixTimeMilliseconds());
        }

        if (experiment.LastUpdateTime is { } updated)
        {
            json.WriteNumber("last_update_time", updated.ToUnixTimeMilliseconds());
        }

        json.WriteStartObject("tags");
        foreach (var (key, value) in experiment.Tags)
        {
            json.WriteString(key, value);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static string Stage(ExperimentRecord experiment) => experiment.IsActive ? "active" : "deleted";
}
