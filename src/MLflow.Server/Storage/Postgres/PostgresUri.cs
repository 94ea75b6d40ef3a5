using Npgsql;

namespace MLflow.Server.Storage.Postgres;

/// <summary>
/// Reads <c>postgresql://user:password@host1:5432,host2/database?sslmode=require</c>, as libpq does
/// (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS). Options are those of libpq, or Npgsql's own.
/// </summary>
internal static class PostgresUri
{
    private static readonly string[] Schemes = ["postgresql://", "postgres://"];

    /// <summary>What libpq calls otherwise than Npgsql.</summary>
    private static readonly Dictionary<string, string> Options = new(StringComparer.OrdinalIgnoreCase)
    {
        ["dbname"] = "Database",
        ["user"] = "Username",
        ["sslmode"] = "SSL Mode",
        ["sslnegotiation"] = "SSL Negotiation",
        ["sslrootcert"] = "Root Certificate",
        ["sslcert"] = "SSL Certificate",
        ["sslkey"] = "SSL Key",
        ["sslpassword"] = "SSL Password",
        ["channel_binding"] = "Channel Binding",
        ["application_name"] = "Application Name",
        ["connect_timeout"] = "Timeout",
        ["target_session_attrs"] = "Target Session Attributes",
    };

    public static bool IsOne(string uri) => Schemes.Any(scheme => uri.StartsWith(scheme, StringComparison.OrdinalIgnoreCase));

    /// <summary>The URI as it may be shown: without password and options, which may be secrets.</summary>
    public static string Shown(string uri)
    {
        if (!IsOne(uri))
        {
            return uri;
        }

        var start = uri.IndexOf("://", StringComparison.Ordinal) + 3;
        var rest = uri[start..].Split('?')[0];
        var at = rest.LastIndexOf('@');
        return uri[..start] + (at < 0 ? rest : rest[..at].Split(':')[0] + rest[at..]);
    }

    /// <exception cref="FormatException">Says what is wrong with it, without its password.</exception>
    public static NpgsqlConnectionStringBuilder Parse(string uri)
    {
        var parts = uri[(uri.IndexOf("://", StringComparison.Ordinal) + 3)..].Split('?', 2);
        var settings = new NpgsqlConnectionStringBuilder { ApplicationName = "mlflow", MaxAutoPrepare = 100, HostRecheckSeconds = 1 };
        var at = parts[0].LastIndexOf('@');
        if (at >= 0)
        {
            var user = parts[0][..at].Split(':', 2);
            settings.Username = Uri.UnescapeDataString(user[0]);
            settings.Password = user.Length > 1 ? Uri.UnescapeDataString(user[1]) : null;
        }

        var place = parts[0][(at + 1)..].Split('/', 2);
        if (place[0].Length > 0)
        {
            settings.Host = string.Join(',', place[0].Split(',').Select(Uri.UnescapeDataString));
        }

        if (place.Length > 1 && place[1].Length > 0)
        {
            settings.Database = Uri.UnescapeDataString(place[1]);
        }

        foreach (var option in parts.Length > 1 ? parts[1].Split('&', StringSplitOptions.RemoveEmptyEntries) : [])
        {
            Set(settings, option);
        }

        if (string.IsNullOrEmpty(settings.Host))
        {
            throw new FormatException("it names no host");
        }

        return string.IsNullOrEmpty(settings.Database) ? throw new FormatException("it names no database") : settings;
    }

    /// <summary>Which of several hosts is read from; null where the URI does not say.</summary>
    public static TargetSessionAttributes? TargetOf(NpgsqlConnectionStringBuilder settings) => settings.TargetSessionAttributes is { } text
        ? Enum.Parse<TargetSessionAttributes>(text.Replace("-", "", StringComparison.Ordinal), ignoreCase: true)
        : null;

    private static void Set(NpgsqlConnectionStringBuilder settings, string option)
    {
        var pair = option.Split('=', 2);
        var name = Uri.UnescapeDataString(pair[0]);
        var value = pair.Length > 1 ? Uri.UnescapeDataString(pair[1]) : "";
        var keyword = Options.GetValueOrDefault(name, name);
        try
        {
            // libpq writes verify-full, Npgsql VerifyFull.
            settings[keyword] = keyword == "SSL Mode" ? value.Replace("-", "", StringComparison.Ordinal) : value;
        }
        catch (Exception e) when (e is ArgumentException or FormatException or InvalidCastException or OverflowException)
        {
            // Not the value: it may be a secret.
            throw new FormatException($"its option '{name}' is unknown or has a value that it cannot have", e);
        }
    }
}
