import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import io.strimzi.api.kafka.model.common.UnknownPropertyPreserving;
import io.strimzi.api.kafka.model.kafka.Kafka;
import io.strimzi.api.kafka.model.nodepool.KafkaNodePool;
import io.strimzi.api.kafka.model.topic.KafkaTopic;
import java.lang.reflect.Method;
import java.util.Collection;
import java.util.Map;

/**
 * Reads Strimzi's resources from standard input into Strimzi's own classes, as its operator does,
 * and names each property that these don't know: one line each. A wrong type or value is an exception.
 */
class StrimziResources {
    private static final Map<String, Class<?>> KINDS =
            Map.of("Kafka", Kafka.class, "KafkaNodePool", KafkaNodePool.class, "KafkaTopic", KafkaTopic.class);

    public static void main(String[] arguments) throws Exception {
        KubernetesSerialization yaml = new KubernetesSerialization();
        String text = new String(System.in.readAllBytes(), "UTF-8");
        for (String document : text.split("(?m)^---$")) {
            Map<?, ?> resource = yaml.unmarshal(document, Map.class);
            if (resource == null) continue;
            String kind = (String) resource.get("kind");
            unknown(yaml.unmarshal(document, KINDS.get(kind)), kind);
        }
    }

    private static void unknown(Object found, String at) throws Exception {
        if (found instanceof Collection<?> list) {
            for (Object one : list) unknown(one, at + "[]");
        } else if (found instanceof UnknownPropertyPreserving properties) {
            Map<String, Object> others = properties.getAdditionalProperties();
            if (others != null) others.keySet().forEach(name -> System.out.println(at + "." + name));
            for (Method method : found.getClass().getMethods()) {
                String name = method.getName();
                if (name.startsWith("get") && method.getParameterCount() == 0 && !name.equals("getAdditionalProperties")) {
                    unknown(method.invoke(found), at + "." + name.substring(3));
                }
            }
        }
    }
}
