"""What operators mean to register: keys and signatures checked, amounts judged, registrations kept."""
