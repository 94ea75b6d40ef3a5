using System.Collections;
using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;

namespace MLflow;

/// <summary>
/// Tells data from what methods are handed beside them. To look into such a thing would wait for it, use it up, run the program's code, or read the
/// credentials that it was set up with: a serialiser asks a <see cref="Task{T}"/> for its result and an <see cref="HttpClient"/> for its headers.
/// </summary>
internal static class OpaqueValues
{
    private static readonly Type[] Kinds =
    [
        typeof(Task),
        typeof(Delegate),
        typeof(Stream),
        typeof(IServiceProvider),
        typeof(HttpMessageInvoker),
        typeof(HttpMessageHandler),
        typeof(HttpRequestMessage),
        typeof(HttpResponseMessage),
        typeof(HttpContent),
        typeof(HttpHeaders),
        typeof(AuthenticationHeaderValue),
        typeof(ICredentials),
        typeof(Cookie),
        typeof(CookieContainer),
        typeof(DbConnection),
    ];

    // An entry lives as long as its type.
    private static readonly ConditionalWeakTable<Type, StrongBox<bool>> Opaque = [];
    private static readonly ConditionalWeakTable<Type, StrongBox<bool>> Collections = [];

    /// <summary>True when a value is named by its type alone.</summary>
    public static bool IsOpaque(object value) => value switch
    {
        // What yield and LINQ make is its own enumerator, and a query asks its database.
        IEnumerator or IQueryable => true,
        _ when IsOpaque(value.GetType()) => true,
        string or ICollection or IReadOnlyCollection<object> => false,
        IEnumerable => !Collections.GetValue(value.GetType(), static type => new StrongBox<bool>(IsCollection(type))).Value,
        _ => false,
    };

    /// <summary>True when each value of a type is named by that alone.</summary>
    public static bool IsOpaque(Type type) => Type.GetTypeCode(type) == TypeCode.Object && Opaque.GetValue(type, static type => new StrongBox<bool>(IsOfAKind(type))).Value;

    /// <summary>What stands for such a value.</summary>
    public static string NameOf(object value) => $"<{value.GetType().Name}>";

    /// <summary>True when the elements of a sequence are there already.</summary>
    public static bool AreThere<T>(IEnumerable<T> sequence) => sequence is not IEnumerator && sequence is ICollection<T> or IReadOnlyCollection<T> or ICollection;

    private static bool IsOfAKind(Type type)
    {
        if (Array.Exists(Kinds, kind => kind.IsAssignableFrom(type)))
        {
            return true;
        }

        if (!type.IsGenericType)
        {
            return type == typeof(ValueTask);
        }

        var definition = type.GetGenericTypeDefinition();
        return definition == typeof(ValueTask<>) || definition == typeof(Lazy<>) || definition == typeof(AsyncLocal<>) || definition == typeof(ThreadLocal<>);
    }

    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "A collection whose interface was trimmed is named by its type instead of being enumerated.")]
    private static bool IsCollection(Type type) =>
        type.GetInterfaces().Any(i => i.IsGenericType && (i.GetGenericTypeDefinition() == typeof(ICollection<>) || i.GetGenericTypeDefinition() == typeof(IReadOnlyCollection<>)));
}
